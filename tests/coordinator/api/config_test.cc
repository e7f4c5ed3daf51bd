#include "coordinator/api/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/json/message_json.h"
#include "common/spec/spec_digest.h"
#include "tests/support/temp_folder.h"

namespace deit::api {
namespace {

class ConfigTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name) << content;
    return folder_ / name;
  }
  testing::TempFolder folder_;
};

TEST_F(ConfigTest, ComparesFieldsAndNotFileNames) {
  const std::string a = Write("a.textproto", "model { name: 'vit' }\n");
  const std::string b = Write("b.textproto", "model { name: 'vit' }\ntrain { epochs: 2 }\ndata { threads: 3 }\n");
  const auto diff = DiffConfig(a, b, {"data.threads=2", "schedule.warmup_epochs=0"});
  ASSERT_TRUE(diff.ok()) << diff.status();
  EXPECT_EQ(json::ToJsonArray(diff->differences()),
            "[\n  {\"path\": \"train.epochs\", \"before\": \"300\", \"after\": \"2\", \"effect\": \"RESULT\"}\n]\n");
  EXPECT_TRUE(DiffConfig(a, a, {})->differences().empty());
}

TEST_F(ConfigTest, CheckGivesTheDigestOfFieldsAndErrorsTheirPlace) {
  const std::string good = Write("good.textproto", "model { name: 'vit' }\n");
  const auto check = CheckConfig(good, {"train.epochs=2"});
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_EQ(check->path(), good);
  EXPECT_EQ(check->fields_digest(), FieldsDigest(*ShowConfig(good, {"train.epochs=2"})));
  EXPECT_NE(check->fields_digest(), CheckConfig(good, {})->fields_digest());
  EXPECT_EQ(CheckConfig(Write("bad.textproto", "train { epochs: 0 }\n"), {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckConfig(folder_ / "none.textproto", {}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ConfigTest, CheckTellsMemoryAndWhatThisMachineLacks) {
  const std::string file = Write("job.textproto", "model { name: 'deit_base_patch16_384' }\ndata { synthetic_images: 1000 }\n");
  const auto small = CheckConfig(file, {"train.batch_size=8"});
  ASSERT_TRUE(small.ok()) << small.status();
  EXPECT_THAT(small->memory(), ::testing::HasSubstr("GiB (gradients "));
  const auto large = CheckConfig(file, {"train.batch_size=1048576"});
  ASSERT_TRUE(large.ok()) << large.status();
  ASSERT_FALSE(large->warnings().empty());
  EXPECT_THAT(*large->warnings().rbegin(), ::testing::MatchesRegex("memory: 1 worker needs about [0-9.]+TiB .* left: .* would fit.*"));
}

TEST_F(ConfigTest, AShownJobIsAJobFile) {
  const std::string source =
      Write("job.textproto", "model { name: 'deit_tiny_distilled_patch16_224' num_classes: 10 }\ntrain { seed: 18446744073709551615 }\n");
  const auto job = ShowConfig(source, {"data.mean=0.485,0.456,0.406"});
  ASSERT_TRUE(job.ok()) << job.status();
  const std::string text = json::ToJsonText(*job);
  EXPECT_NE(text.find("\"seed\": 18446744073709551615"), std::string::npos) << text;
  EXPECT_NE(text.find("0.485,\n"), std::string::npos) << text;
  const auto again = ShowConfig(Write("job.json", text), {});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(spec::DiffSpecs(*job, *again).empty());
  EXPECT_EQ(again->SerializeAsString(), job->SerializeAsString());
}

}  // namespace
}  // namespace deit::api
