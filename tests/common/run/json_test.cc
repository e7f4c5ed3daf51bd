#include "common/run/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "proto/run.pb.h"

namespace deit::run {
namespace {

TEST(JsonTest, KeysStandInOrderAndOnlyUnknownOptionalOnesAreAbsent) {
  v1::StepMetrics metrics;
  metrics.set_step(12);
  metrics.set_loss(3.25);
  EXPECT_EQ(ToJsonLine(metrics), R"({"step":12,"time":0,"loss":3.25,"lr":0,"images_per_second":0,"seconds":0,"skipped":false})");
  metrics.set_grad_norm(0);
  EXPECT_NE(ToJsonLine(metrics).find(R"("grad_norm":0,)"), std::string::npos);
}

TEST(JsonTest, NumbersReadBackExactly) {
  v1::StepMetrics metrics;
  metrics.set_step((int64_t{1} << 62) + 1);
  metrics.set_loss(static_cast<double>(0.1f));
  metrics.set_lr(std::nextafter(5e-4, 1.0));
  v1::StepMetrics back;
  ASSERT_TRUE(FromJson(ToJsonLine(metrics), &back).ok());
  EXPECT_EQ(back.step(), metrics.step());
  EXPECT_EQ(back.loss(), metrics.loss());
  EXPECT_EQ(back.lr(), metrics.lr());
}

TEST(JsonTest, NotFiniteIsAString) {
  v1::StepMetrics metrics;
  metrics.set_loss(std::numeric_limits<double>::quiet_NaN());
  metrics.set_lr(-std::numeric_limits<double>::infinity());
  const std::string line = ToJsonLine(metrics);
  EXPECT_NE(line.find(R"("loss":"NaN")"), std::string::npos) << line;
  EXPECT_NE(line.find(R"("lr":"-Infinity")"), std::string::npos) << line;
  v1::StepMetrics back;
  ASSERT_TRUE(FromJson(line, &back).ok());
  EXPECT_TRUE(std::isnan(back.loss()));
  EXPECT_EQ(back.lr(), metrics.lr());
}

TEST(JsonTest, FilesAreIndented) {
  v1::Summary summary;
  summary.set_job("7f3a81bc");
  summary.add_workers()->set_lanes_computed(96);
  const std::string text = ToJsonText(summary);
  EXPECT_EQ(text.substr(0, 24), "{\n  \"job\": \"7f3a81bc\",\n ");
  EXPECT_NE(text.find("\"state\": \"QUEUED\""), std::string::npos);
  EXPECT_NE(text.find("  \"workers\": [\n    {\n      \"lanes_computed\": 96,\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\"attempts\": []\n}\n"), std::string::npos) << text;
}

TEST(JsonTest, ReadersIgnoreNewerKeysAndRefuseDamage) {
  v1::Summary summary;
  EXPECT_TRUE(FromJson(R"({"job":"7f3a81bc","added_later":[1,{}]})", &summary).ok());
  EXPECT_EQ(summary.job(), "7f3a81bc");
  for (const char* broken : {"", "{", "[]", R"({"job":)", R"({"steps":"x"})", "\xff"}) {
    EXPECT_TRUE(absl::IsDataLoss(FromJson(broken, &summary))) << broken;
  }
}

}  // namespace
}  // namespace deit::run
