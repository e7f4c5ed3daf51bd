#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "common/plan/sampler.h"
#include "coordinator/cli/verbs.h"
#include "tests/support/temp_folder.h"

namespace deit::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Outcome {
  StatusOr<VerbExit> exit;
  std::vector<std::string> lines;
};

// `deit-coord plan` of a job with 97 synthetic images, batch 8 in 4 lanes, and further words.
class PlanVerbTest : public ::testing::Test {
 protected:
  Outcome Run(std::vector<std::string> words) {
    std::ofstream(folder_ / "job.textproto") << "model { name: \"deit_tiny_distilled_patch16_224\" num_classes: 10 }\n"
                                                "data { format: SYNTHETIC synthetic_images: 97 seed: 17 }\n"
                                                "train { batch_size: 8 lanes: 4 epochs: 3 }\n";
    words.push_back("--config=" + (folder_ / "job.textproto"));
    const StatusOr<Arguments> arguments = Arguments::Parse(words, kPlan.flags);
    if (!arguments.ok()) return {arguments.status(), {}};
    ::testing::internal::CaptureStdout();
    const StatusOr<VerbExit> exit = kPlan.run(*arguments);
    std::fflush(stdout);
    return {exit, absl::StrSplit(::testing::internal::GetCapturedStdout(), '\n', absl::SkipEmpty())};
  }

  deit::testing::TempFolder folder_;
};

TEST_F(PlanVerbTest, PrintsOneJsonObjectForEachPlaceOfTheStream) {
  const Outcome outcome = Run({"--steps=11:14", "--json", "augment.repeated_aug=3"});
  ASSERT_TRUE(outcome.exit.ok()) << outcome.exit.status();
  ASSERT_EQ(outcome.lines.size(), 24U);
  const plan::Sampler sampler = plan::Sampler::Create({.images = 97, .batch_size = 8, .repeated_aug = 3, .seed = 17}).value();
  for (uint64_t i = 0; i < 24; ++i) {
    const plan::View view = sampler.At(88 + i);
    const std::string place = absl::StrCat("\"step\": ", 11 + i / 8, ", \"lane\": ", i % 8 / 2, ", \"slot\": ", i % 2);
    const std::string shown =
        absl::StrCat("\"epoch\": ", view.epoch, ", \"repeat\": ", view.repeat, ", \"image\": ", view.image, ", \"labelled\": true");
    EXPECT_EQ(outcome.lines[i], absl::StrCat("{", place, ", \"position\": ", 88 + i, ", ", shown, "}"));
  }
}

TEST_F(PlanVerbTest, SaysWhichImagesKeepTheirLabels) {
  std::set<std::string> labelled, others;
  const auto teacher = {"--steps=0:13",          "--json", "data.labelled=30", "teacher.model.name=convnet", "teacher.weights=w",
                        "distillation.type=HARD"};
  const Outcome taught = Run({teacher.begin(), teacher.end()});
  ASSERT_TRUE(taught.exit.ok()) << taught.exit.status();
  for (const std::string& line : taught.lines) {
    const std::string image = line.substr(line.find("\"image\""), line.rfind(", ") - line.find("\"image\""));
    (absl::EndsWith(line, "\"labelled\": true}") ? labelled : others).insert(image);
  }
  EXPECT_EQ(labelled.size(), 30U);
  EXPECT_EQ(others.size(), 67U);
  const Outcome alone = Run({"--steps=0:13", "data.labelled=30"});
  ASSERT_TRUE(alone.exit.ok()) << alone.exit.status();
  for (size_t i = 1; i < alone.lines.size(); ++i) {
    const std::vector<std::string> words = absl::StrSplit(alone.lines[i], ' ', absl::SkipEmpty());
    EXPECT_TRUE(labelled.contains(absl::StrCat("\"image\": ", words[6]))) << alone.lines[i];
    EXPECT_EQ(words[7], "yes");
  }
}

TEST_F(PlanVerbTest, PrintsATableWhoseColumnsFitTheirLargestValues) {
  const Outcome outcome = Run({"--steps=0:1"});
  ASSERT_TRUE(outcome.exit.ok()) << outcome.exit.status();
  ASSERT_EQ(outcome.lines.size(), 9U);
  EXPECT_EQ(outcome.lines[0], "STEP  LANE  SLOT  POSITION  EPOCH  REPEAT  IMAGE  LABELLED");
  for (const std::string& line : outcome.lines) EXPECT_EQ(line.size(), outcome.lines[0].size()) << line;
  const std::vector<std::string> words = absl::StrSplit(outcome.lines[8], ' ', absl::SkipEmpty());
  const plan::Sampler sampler = plan::Sampler::Create({.images = 97, .batch_size = 8, .seed = 17}).value();
  EXPECT_THAT(words, ElementsAre("0", "3", "1", "7", "0", "0", absl::StrCat(sampler.At(7).image), "yes"));
}

TEST_F(PlanVerbTest, RefusesStepsThatAreNoRange) {
  for (const char* steps : {"", "3", "a:b", "1:2:3", "-1:2", "2:2", "3:2", "0:99999999999999999999", "0:9999999999999999"}) {
    const Outcome outcome = Run({absl::StrCat("--steps=", steps)});
    EXPECT_EQ(VerbExitOf(outcome.exit.status()), VerbExit::kUsage) << steps;
    EXPECT_THAT(std::string(outcome.exit.status().message()), HasSubstr(absl::StrCat("--steps: ", steps)));
    EXPECT_TRUE(outcome.lines.empty());
  }
  const Outcome outcome = Run({});
  EXPECT_EQ(VerbExitOf(outcome.exit.status()), VerbExit::kUsage);
  EXPECT_EQ(outcome.exit.status().message(), "plan: no steps given");
}

TEST_F(PlanVerbTest, ExitsAsPromisedForABadJob) {
  EXPECT_EQ(VerbExitOf(Run({"--steps=0:1", "train.lanes=3"}).exit.status()), VerbExit::kBadConfig);
  EXPECT_EQ(VerbExitOf(Run({"--steps=0:1", "train.drop_last=true", "train.batch_size=128"}).exit.status()), VerbExit::kBadConfig);
  EXPECT_EQ(VerbExitOf(Run({"--steps=0:1", "data.labelled=98"}).exit.status()), VerbExit::kBadConfig);
  EXPECT_EQ(VerbExitOf(Run({"--steps=0:1", "data.format=IDX", "data.root=/nowhere"}).exit.status()), VerbExit::kNotFound);
  EXPECT_EQ(VerbExitOf(Run({"--steps=0:1", "-o", "yaml"}).exit.status()), VerbExit::kUsage);
}

}  // namespace
}  // namespace deit::cli
