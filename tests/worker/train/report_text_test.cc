#include "worker/train/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json/message_json.h"

namespace deit::train {
namespace {

using ::testing::ElementsAre;

TEST(ReportTextTest, ADistilledModelWithATeacher) {
  EvaluationReport report({"class", "distillation", "teacher"}, 2);
  const float one[] = {1, 0, 0, 0, 0, 0}, other[] = {0, 0, 0, 0, 0, 1};
  for (int image = 0; image < 4; ++image) {
    report.Add({one, image == 0 ? other : one, other}, 6, 5);
    report.AddCosine(0, 0.0625);
    report.AddCosine(1, 0.9375);
  }
  EXPECT_THAT(ReportLines(report), ElementsAre("PREDICTOR     ACC1    ACC5    LOSS",           //
                                               "class         0.00    0.00    2.044",          //
                                               "distillation  25.00   25.00   1.794",          //
                                               "teacher       100.00  100.00  1.044",          //
                                               "DISAGREEMENT  CLASS   DISTILLATION  TEACHER",  //
                                               "class         -       0.2500        1.0000",   //
                                               "distillation  0.2500  -             0.7500",   //
                                               "teacher       1.0000  0.7500        -",        //
                                               "LAYER  COSINE OF BOTH TOKENS",                 //
                                               "0      0.0625",                                //
                                               "1      0.9375"));
  const std::string json = json::ToSpacedJsonLine(ReportMessage(report));
  EXPECT_THAT(json, ::testing::StartsWith(R"({"images": 4, "predictors": {"class": {"acc1": 0, "acc5": 0, "loss": 2.04)"));
  EXPECT_THAT(json, ::testing::HasSubstr(R"("distillation": {"acc1": 25, "acc5": 25, "loss": 1.79)"));
  EXPECT_THAT(json, ::testing::HasSubstr(R"("disagreement": {"class": {"distillation": 0.25, "teacher": 1}, )"
                                         R"("distillation": {"class": 0.25, "teacher": 0.75}, )"
                                         R"("teacher": {"class": 1, "distillation": 0.75}})"));
  EXPECT_THAT(json, ::testing::EndsWith(R"(, "token_cosine": [0.0625, 0.9375]})"));
}

TEST(ReportTextTest, AModelWithOneHeadAlone) {
  EvaluationReport report({"class"}, 0);
  const float logits[] = {0, 0};
  report.Add({logits}, 2, 0);
  EXPECT_THAT(ReportLines(report), ElementsAre("PREDICTOR  ACC1    ACC5    LOSS", "class      100.00  100.00  0.6931"));
  EXPECT_THAT(json::ToSpacedJsonLine(ReportMessage(report)), ::testing::EndsWith(R"(}}, "disagreement": {"class": {}}})"));
}

}  // namespace
}  // namespace deit::train
