#include "common/json/message_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>

#include "absl/strings/str_cat.h"
#include "proto/checkpoints.pb.h"
#include "proto/config_report.pb.h"
#include "proto/evaluation.pb.h"
#include "proto/exported_model.pb.h"
#include "proto/run.pb.h"

namespace deit::json {
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

TEST(JsonTest, EveryKindOfFieldReadsBack) {
  v1::Summary summary;
  summary.set_job("7f3a \"\n\xC3\xA4");
  summary.set_state(v1::JobState::RECOVERING);
  summary.set_steps(-(int64_t{1} << 62));
  summary.set_val_acc1(61.25);
  summary.add_workers()->set_bytes_sent(12);
  summary.add_workers();
  v1::Summary::Attempt* attempt = summary.add_attempts();
  attempt->set_exit_code(-7);
  attempt->mutable_recovery()->set_source("disk");
  v1::RunIdentity identity;
  identity.set_inode(~uint64_t{0});
  v1::StepMetrics metrics;
  metrics.set_skipped(true);
  for (const google::protobuf::Message* message :
       {static_cast<google::protobuf::Message*>(&summary), static_cast<google::protobuf::Message*>(&identity),
        static_cast<google::protobuf::Message*>(&metrics)}) {
    for (const std::string& text : {ToJsonLine(*message), ToJsonText(*message)}) {
      const std::unique_ptr<google::protobuf::Message> back(message->New());
      ASSERT_TRUE(FromJson(text, back.get()).ok()) << FromJson(text, back.get());
      EXPECT_EQ(back->SerializeAsString(), message->SerializeAsString()) << text;
    }
  }
}

TEST(JsonTest, ReadsWhatOtherWritersOfJsonPrint) {
  v1::Summary summary;
  ASSERT_TRUE(
      FromJson(" {\t\"steps\" : \"12\", \"state\": 6, \"val_acc1\": 6.1E1, \"job\": \"\\u0041\", \"name\": null, \"workers\": null}\n",
               &summary)
          .ok());
  EXPECT_EQ(summary.steps(), 12);
  EXPECT_EQ(summary.state(), v1::JobState::SUCCEEDED);
  EXPECT_EQ(summary.val_acc1(), 61);
  EXPECT_EQ(summary.job(), "A");
}

TEST(JsonTest, ReadersIgnoreWhatIsNewer) {
  v1::Summary summary;
  EXPECT_TRUE(
      FromJson(R"({"added_later":[1,{"a":[],"b":{}},"x",true,null,-1.5e3],"state":"NEWER_STATE","job":"7f3a81bc"})", &summary).ok());
  EXPECT_EQ(summary.job(), "7f3a81bc");
  EXPECT_EQ(summary.state(), v1::JobState::QUEUED);
}

TEST(JsonTest, DamageIsRefusedAndItsPlaceNamed) {
  v1::Summary summary;
  for (const char* broken : {"",
                             "{",
                             "[]",
                             R"({"job":)",
                             R"({"job":"a)",
                             R"({"job":1})",
                             R"({"steps":"x"})",
                             R"({"steps":1.5})",
                             R"({"steps":9223372036854775808})",
                             R"({"restarts":2147483648})",
                             R"({"steps":01})",
                             R"({"val_acc1":1.})",
                             R"({"val_acc1":.5})",
                             R"({"val_acc1":1e})",
                             R"({"val_acc1":-})",
                             R"({"val_acc1":true})",
                             R"({"state":1.5})",
                             R"({"workers":{}})",
                             R"({"workers":[1]})",
                             R"({"workers":[{}})",
                             R"({"attempts":[{"recovery":[]}]})",
                             R"({"job":"a",})",
                             R"({"job":"a"} x)",
                             R"({"job":"a"}{})",
                             R"({"new":})",
                             R"({"new":[1})",
                             R"({job:"a"})",
                             "{\"job\":\"\xff\"}",
                             "\xff"}) {
    EXPECT_TRUE(absl::IsDataLoss(FromJson(broken, &summary))) << broken;
  }
  EXPECT_EQ(FromJson(R"({"attempts":[{"attempt":"x"}]})", &summary).message(),
            "not the JSON of a Summary: attempts: attempt: byte 27: x: expected a whole number that fits");
}

TEST(JsonTest, NoTextNestsWithoutEnd) {
  v1::Summary summary;
  for (const size_t depth : {size_t{100}, size_t{1000000}}) {
    const Status status = FromJson("{\"new\":" + std::string(depth, '['), &summary);
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  }
  EXPECT_TRUE(FromJson("{\"new\":" + std::string(32, '[') + std::string(32, ']') + "}", &summary).ok());
}

TEST(JsonTest, AbsentFieldsAreNullWhereTheSchemaSaysSo) {
  v1::CheckpointEntry entry;
  entry.set_step(12);
  entry.set_val_acc1(61.25);
  EXPECT_EQ(ToJsonLine(entry), R"({"step":12,"state":"COMPLETE","reason":"","path":"","bytes":0,"epoch":null,"val_acc1":61.25,)"
                               R"("workers":null,"created":null,"weights_digest":null,"state_digest":null})");
}

TEST(JsonTest, MapsAreObjectsWithSortedKeys) {
  v1::EvaluationReport report;
  (*report.mutable_predictors())["teacher"].set_acc1(1);
  (*report.mutable_predictors())["a \"b\""].set_acc5(2);
  (*report.mutable_predictors())["class"];
  EXPECT_EQ(ToSpacedJsonLine(report), R"({"images": 0, "predictors": {"a \"b\"": {"acc1": 0, "acc5": 2, "loss": 0}, )"
                                      R"("class": {"acc1": 0, "acc5": 0, "loss": 0}, "teacher": {"acc1": 1, "acc5": 0, "loss": 0}}, )"
                                      R"("disagreement": {}})");
}

TEST(JsonTest, ProtobufsDynamicTypesAreTheJsonThatTheyHold) {
  v1::EvaluationReport report;
  google::protobuf::Struct& shares = (*report.mutable_disagreement())["class"];
  (*shares.mutable_fields())["teacher"].set_number_value(0.1);
  (*shares.mutable_fields())["a"].set_bool_value(true);
  (*shares.mutable_fields())["b"].set_null_value(google::protobuf::NULL_VALUE);
  google::protobuf::ListValue& list = *report.mutable_token_cosine();
  list.add_values()->set_string_value("head");
  list.add_values()->mutable_list_value()->add_values()->set_number_value(7);
  (*list.add_values()->mutable_struct_value()->mutable_fields())["x"].set_number_value(std::numeric_limits<double>::infinity());
  EXPECT_EQ(ToSpacedJsonLine(report),
            R"({"images": 0, "predictors": {}, "disagreement": {"class": {"a": true, "b": null, "teacher": 0.1}}, )"
            R"("token_cosine": ["head", [7], {"x": "Infinity"}]})");
  EXPECT_EQ(FromJson(ToJsonLine(report), &report).code(), absl::StatusCode::kDataLoss);
}

TEST(JsonTest, FloatsArePrintedWithTheirOwnPrecision) {
  v1::PretrainedConfig pixels;
  pixels.add_mean(0.485f);
  pixels.add_mean(std::numeric_limits<float>::quiet_NaN());
  EXPECT_NE(ToJsonLine(pixels).find(R"("mean":[0.485,"NaN"])"), std::string::npos) << ToJsonLine(pixels);
}

TEST(JsonTest, OnlyTheOuterBracketsTakeLinesWhereSoMuchIsWanted) {
  v1::CheckpointVerification verification;
  EXPECT_EQ(ToJsonText(verification, 1), "{\n  \"good\": false,\n  \"checkpoints\": []\n}\n");
  verification.add_checkpoints()->add_faults("a");
  verification.mutable_checkpoints(0)->add_faults("b");
  const std::string result = R"({"step": 0, "name": "", "verdict": "GOOD", "files": 0, "bytes": 0, "faults": ["a", "b"]})";
  EXPECT_EQ(ToJsonText(verification, 0), absl::StrCat("{\"good\": false, \"checkpoints\": [", result, "]}\n"));
  EXPECT_EQ(ToJsonText(verification, 1), absl::StrCat("{\n  \"good\": false,\n  \"checkpoints\": [", result, "]\n}\n"));
  EXPECT_EQ(ToJsonText(verification, 2), absl::StrCat("{\n  \"good\": false,\n  \"checkpoints\": [\n    ", result, "\n  ]\n}\n"));
}

TEST(JsonTest, SeveralMessagesAreOneArray) {
  v1::ConfigDiff diff;
  EXPECT_EQ(ToJsonArray(diff.differences()), "[]\n");
  diff.add_differences()->set_path("a");
  diff.add_differences()->set_path("b");
  EXPECT_EQ(ToJsonArray(diff.differences()),
            "[\n  {\"path\": \"a\", \"before\": \"\", \"after\": \"\", \"effect\": \"\"},\n"
            "  {\"path\": \"b\", \"before\": \"\", \"after\": \"\", \"effect\": \"\"}\n]\n");
}

}  // namespace
}  // namespace deit::json
