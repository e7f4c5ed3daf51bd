#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "common/base/status.h"
#include "common/spec/load.h"
#include "coordinator/cli/verbs.h"
#include "tests/common/checkpoint/sample_checkpoint.h"
#include "tests/support/temp_folder.h"

namespace deit::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Outcome {
  StatusOr<VerbExit> exit;
  std::string text;
};

// A run folder with sets of two workers, on the real disk.
class CheckpointVerbTest : public ::testing::Test {
 protected:
  void Save(int64_t step, double val_acc1, bool ema = true) {
    ASSERT_TRUE(checkpoint::PrepareCheckpoint(fs_, root_, step).ok());
    for (int w : {1, 0}) {
      checkpoint::SampleShard part = checkpoint::MakeShard(step, w, 2);
      if (!ema) part.files.pop_back();
      ASSERT_TRUE(checkpoint::WriteShard(fs_, SaveOf(step, w), part.files, part.ledger).ok());
    }
    v1::CheckpointManifest about;
    about.set_val_acc1(val_acc1);
    about.set_epoch(static_cast<double>(step) / 8);
    ASSERT_TRUE(checkpoint::CommitCheckpoint(fs_, Clock::System(), SaveOf(step, 0), about, absl::Seconds(30)).ok());
  }
  checkpoint::Save SaveOf(int64_t step, int worker) const {
    return {.root = root_, .step = step, .nonce = "n", .worker = worker, .workers = 2};
  }

  void WriteConfig(const std::string& model) { std::ofstream(folder_ / "config.textproto") << model; }

  void Damage(const std::string& file) {
    std::fstream stream(root_ + "/" + file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(-1, std::ios::end);
    stream.put('\x7f');
  }

  Outcome Run(const std::vector<std::string>& words) {
    const StatusOr<Arguments> arguments = Arguments::Parse(words, kCheckpoint.flags);
    if (!arguments.ok()) return {arguments.status(), ""};
    ::testing::internal::CaptureStdout();
    const StatusOr<VerbExit> exit = kCheckpoint.run(*arguments);
    std::fflush(stdout);
    return {exit, ::testing::internal::GetCapturedStdout()};
  }

  // With a terminal as standard input, on which `answer` has been typed.
  Outcome RunAnswering(const std::string& answer, const std::vector<std::string>& words) {
    int terminal = -1, input = -1;
    DEIT_CHECK(openpty(&terminal, &input, nullptr, nullptr, nullptr) == 0);
    DEIT_CHECK(write(terminal, answer.data(), answer.size()) == static_cast<ssize_t>(answer.size()));
    Outcome outcome = RunWithInput(input, words);
    close(terminal);
    return outcome;
  }

  Outcome RunWithInput(int input, const std::vector<std::string>& words) {
    const int own = dup(STDIN_FILENO);
    dup2(input, STDIN_FILENO);
    close(input);
    Outcome outcome = Run(words);
    dup2(own, STDIN_FILENO);
    close(own);
    return outcome;
  }

  deit::testing::TempFolder folder_;
  files::FileSystem& fs_ = files::FileSystem::Posix();
  const std::string root_ = folder_ / "checkpoints";
};

TEST_F(CheckpointVerbTest, ListsTheSetsOfARunFolderWithTheirStates) {
  Save(10, 61.25);
  Save(20, 50);
  std::filesystem::create_directory(root_ + "/step_00000030");
  std::filesystem::resize_file(root_ + "/step_00000020/ema_00.safetensors", 3);
  const Outcome outcome = Run({"list", folder_.path()});
  ASSERT_TRUE(outcome.exit.ok()) << outcome.exit.status();
  EXPECT_THAT(outcome.text,
              HasSubstr("      STEP    EPOCH    ACC1  WORKERS       SIZE     AGE  STATE\n        10     1.25    61.2        2"));
  EXPECT_THAT(outcome.text, AllOf(HasSubstr("COMPLETE"), HasSubstr("DAMAGED"), HasSubstr("INCOMPLETE")));
  EXPECT_THAT(outcome.text, HasSubstr("step_00000020: "));
  const Outcome json = Run({"list", root_, "--json"});
  EXPECT_THAT(json.text,
              AllOf(HasSubstr("\"schema\": \"deit.checkpoints/v1\""), HasSubstr("{\"step\": 10, \"state\": \"COMPLETE\", \"reason\": \"\""),
                    HasSubstr("\"val_acc1\": 61.25"), HasSubstr("{\"step\": 30, \"state\": \"INCOMPLETE\"")));
}

TEST_F(CheckpointVerbTest, VerifyReadsEveryByteAndNamesTheDamagedFile) {
  Save(10, 1);
  Save(20, 1);
  EXPECT_EQ(*Run({"verify", folder_.path()}).exit, VerbExit::kDone);
  Damage("step_00000010/exp_avg_01.safetensors");
  const Outcome outcome = Run({"verify", folder_.path()});
  EXPECT_EQ(*outcome.exit, VerbExit::kFailed);
  EXPECT_THAT(outcome.text, AllOf(HasSubstr("step_00000010: bad\n"), HasSubstr("exp_avg_01.safetensors: digest is "),
                                  HasSubstr("step_00000020: good, 10 files")));
  EXPECT_EQ(*Run({"verify", root_ + "/step_00000020"}).exit, VerbExit::kDone) << "one good set named";
  EXPECT_EQ(*Run({"verify", root_ + "/step_00000010/"}).exit, VerbExit::kFailed);
  std::filesystem::create_directory(root_ + "/step_00000030");
  EXPECT_EQ(*Run({"verify", root_ + "/step_00000030"}).exit, VerbExit::kFailed) << "an incomplete set named";
  EXPECT_EQ(VerbExitOf(Run({"verify", folder_ / "none"}).exit.status()), VerbExit::kNotFound);
}

TEST_F(CheckpointVerbTest, ExportWritesTheWholeModelUnderItsNames) {
  Save(10, 90);
  Save(20, 50);
  WriteConfig(
      "model { name: \"deit_distilled\" num_classes: 10 img_size: 28 in_chans: 1 patch_size: 7 embed_dim: 64 depth: 4 num_heads: 4 }");
  for (const bool ema : {false, true}) {
    const std::string output = folder_ / absl::StrCat("out", ema);
    std::vector<std::string> words = {"export", folder_.path(), "--output=" + output};
    if (ema) words.push_back("--ema");
    const Outcome outcome = Run(words);
    ASSERT_TRUE(outcome.exit.ok()) << outcome.exit.status();
    auto file = checkpoint::SafetensorsFile::Open(fs_, output + "/model.safetensors");
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_EQ(file->tensors().size(), checkpoint::SampleTensors().size());
    for (size_t i = 0; i < checkpoint::SampleTensors().size(); ++i) {
      const checkpoint::SampleTensor& tensor = checkpoint::SampleTensors()[i];
      EXPECT_EQ(file->Find(tensor.name)->shape, tensor.shape);
      std::vector<float> values(tensor.elements());
      ASSERT_TRUE(file->Read(tensor.name, values.data(), 4 * values.size()).ok());
      const auto kind = ema ? checkpoint::TensorKind::kEma : checkpoint::TensorKind::kModel;
      for (uint64_t e = 0; e < values.size(); ++e) ASSERT_EQ(values[e], checkpoint::SampleValue(kind, i, 20, e));
    }
    EXPECT_TRUE(std::filesystem::exists(output + "/config.json"));
  }
}

TEST_F(CheckpointVerbTest, ExportRefusesADamagedSetAndMissingParts) {
  WriteConfig("model { name: \"deit_distilled\" }");
  const std::string output = "--output=" + (folder_ / "out");
  EXPECT_EQ(VerbExitOf(Run({"export", folder_.path(), output}).exit.status()), VerbExit::kNotFound) << "nothing saved yet";
  Save(10, 1, false);
  EXPECT_THAT(std::string(Run({"export", folder_.path(), output, "--ema"}).exit.status().message()), HasSubstr("no averaged weights"));
  EXPECT_EQ(VerbExitOf(Run({"export", folder_.path()}).exit.status()), VerbExit::kUsage);
  Damage("step_00000010/model_01.safetensors");
  EXPECT_EQ(VerbExitOf(Run({"export", folder_.path(), output}).exit.status()), VerbExit::kFailed);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
  std::filesystem::remove(folder_ / "config.textproto");
  EXPECT_THAT(std::string(Run({"export", folder_.path(), output}).exit.status().message()), HasSubstr("config.textproto: no such file"));
}

TEST_F(CheckpointVerbTest, PruneKeepsTheNewestAndTheBest) {
  for (int64_t step : {10, 20, 30, 40}) Save(step, step == 20 ? 99 : 1);
  EXPECT_EQ(VerbExitOf(Run({"prune", folder_.path(), "--yes"}).exit.status()), VerbExit::kUsage) << "no --keep";
  EXPECT_EQ(VerbExitOf(Run({"prune", folder_.path(), "--keep=0", "--yes"}).exit.status()), VerbExit::kUsage);
  EXPECT_EQ(VerbExitOf(Run({"prune", root_ + "/step_00000040", "--keep=1", "--yes"}).exit.status()), VerbExit::kUsage);
  const Outcome outcome = Run({"prune", folder_.path(), "--keep=1", "--yes"});
  ASSERT_TRUE(outcome.exit.ok()) << outcome.exit.status();
  EXPECT_EQ(outcome.text, "deleted step_00000010, step_00000030\n");
  EXPECT_THAT(*fs_.List(root_), ::testing::ElementsAre("step_00000020", "step_00000040"));
  EXPECT_EQ(Run({"prune", folder_.path(), "--keep=1"}).text, "nothing to delete\n");
}

TEST_F(CheckpointVerbTest, PruneAsksWithoutYesAndDeletesOnlyWhenToldSo) {
  for (int64_t step : {10, 20}) Save(step, 1);
  const std::vector<std::string> words = {"prune", folder_.path(), "--keep=1"};
  EXPECT_EQ(VerbExitOf(RunWithInput(open("/dev/null", O_RDONLY), words).exit.status()), VerbExit::kUsage) << "no terminal to ask on";
  EXPECT_EQ(fs_.List(root_)->size(), 2u);
  for (const char* answer : {"n\n", "\n", "yellow\n"}) {
    const Outcome refused = RunAnswering(answer, words);
    EXPECT_EQ(refused.text, "delete step_00000010? [y/N] ");
    EXPECT_EQ(refused.exit.status().code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(fs_.List(root_)->size(), 2u) << answer;
  }
  EXPECT_EQ(RunAnswering("y\n", words).text, "delete step_00000010? [y/N] deleted step_00000010\n");
  EXPECT_THAT(*fs_.List(root_), ::testing::ElementsAre("step_00000020"));
}

TEST_F(CheckpointVerbTest, PruneDeletesNothingWhenAKeptSetIsBad) {
  for (int64_t step : {10, 20, 30}) Save(step, 1);
  Damage("step_00000030/model_00.safetensors");
  const Outcome outcome = Run({"prune", folder_.path(), "--keep=1", "--yes"});
  EXPECT_EQ(VerbExitOf(outcome.exit.status()), VerbExit::kFailed);
  EXPECT_EQ(fs_.List(root_)->size(), 3u);
}

TEST_F(CheckpointVerbTest, WrongCommandLinesAreUsageErrors) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {}, {"lst", "x"}, {"list"}, {"list", "a", "b"}, {"list", "a", "x=y"}, {"export", "a", "--json"}, {"list", "a", "--keep=1"}}) {
    EXPECT_EQ(VerbExitOf(Run(words).exit.status()), VerbExit::kUsage) << (words.empty() ? "" : words[0]);
  }
}

}  // namespace
}  // namespace deit::cli
