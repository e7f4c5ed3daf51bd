// Whole jobs on threads: what is saved, when a stop is heard, and how they end.
#include "worker/train/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <map>
#include <sstream>

#include "common/base/exit_code.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/plan/job_sampler.h"
#include "common/run/run_folder.h"
#include "tests/support/rank_harness.h"
#include "tests/support/temp_folder.h"
#include "tests/worker/train/small_job.h"
#include "worker/exchange/agreement.h"

namespace deit::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint64_t kImages = 48;  // two steps an epoch

// Views of which one worker cannot read some.
class SomeViews final : public data::ViewSource {
 public:
  SomeViews(bool fails, uint64_t from) : fails_(fails), from_(from) {}
  int channels() const override { return 1; }
  int size() const override { return 4; }
  Status Render(const plan::View& view, float* pixels, data::Rendered* rendered) const override {
    if (fails_ && view.position >= from_) return absl::DataLossError("/data/x.jpg: broken JPEG");
    return views_.Render(view, pixels, rendered);
  }

 private:
  const FormulaViews views_;
  const bool fails_;
  const uint64_t from_;
};

struct Case {
  v1::JobSpec spec = SmallSpec();
  EngineOptions engine;
  std::vector<std::string> hosts;
  uint64_t images = kImages;
  int failing_worker = -1;
  uint64_t fails_from = 0;
  std::function<absl::Duration(int worker)> stop_requested_at = [](int) { return absl::InfiniteDuration(); };
  std::function<void(int worker, FormulaEngine&)> prepare = [](int, FormulaEngine&) {};
};

// A job in a run folder of its own, attempt after attempt.
class JobHarness {
 public:
  JobHarness() {
    case_.spec.set_name("small");
    case_.spec.mutable_train()->set_epochs(3);
    case_.spec.mutable_data()->set_threads(1);
    case_.engine.tensors = TinyTensors();
    case_.hosts = {"a", "a"};
  }

  // One attempt; each worker's end.
  std::vector<Status> RunAttempt() {
    const run::RunFolder folder(folder_ / "run");
    const int workers = static_cast<int>(case_.hosts.size());
    std::vector<Status> ends(case_.hosts.size());
    EXPECT_TRUE(run::MakeRunFolder(files::FileSystem::Posix(), folder).ok());
    const auto attempt = run::StartAttempt(files::FileSystem::Posix(), folder);
    EXPECT_EQ(attempt.value_or(0), ++attempt_);
    for (int w = 0; w < workers; ++w) EXPECT_TRUE(run::MakeWorkerFolder(files::FileSystem::Posix(), folder, attempt_, w).ok());
    collective::LocalOptions options;
    options.hosts = case_.hosts;
    testing::RunOnThreads(
        workers, [&](collective::Communicator& world) { ends[static_cast<size_t>(world.rank())] = RunWorker(world, folder); }, options);
    return ends;
  }

  std::vector<int64_t> Sets() const {
    std::vector<int64_t> steps;
    for (const auto& [step, manifest] : Manifests()) steps.push_back(step);
    return steps;
  }

  std::map<int64_t, v1::CheckpointManifest> Manifests() const {
    std::map<int64_t, v1::CheckpointManifest> manifests;
    const auto sets = checkpoint::ListCheckpoints(files::FileSystem::Posix(), run::RunFolder(folder_ / "run").Checkpoints());
    EXPECT_TRUE(sets.ok()) << sets.status();
    for (const auto& set : *sets) {
      if (set.manifest) manifests[set.step] = *set.manifest;
    }
    return manifests;
  }

  std::string Events() const {
    std::ifstream file(run::RunFolder(folder_ / "run").AttemptEvents(attempt_));
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  Case case_;

 private:
  Status RunWorker(collective::Communicator& world, const run::RunFolder& folder) {
    control::WorkerProgress worker_progress;
    Attempt attempt{folder, attempt_, "0123abcd", absl::StrCat(attempt_, "-x"), nullptr};
    if (world.rank() == 0) attempt.keeper = std::make_unique<RecordKeeper>(nullptr, &worker_progress);
    FormulaEngine engine(case_.engine);
    case_.prepare(world.rank(), engine);
    const auto stream = plan::SamplerOf(case_.spec, case_.images);
    EXPECT_TRUE(stream.ok()) << stream.status();
    const SomeViews views(world.rank() == case_.failing_worker, case_.fails_from);
    const FormulaViews evaluation;
    const uint64_t seed = case_.spec.train().seed();
    const JobInputs inputs{&case_.spec, "00000000000000aa",
                           &*stream,    &views,
                           &evaluation, 21,
                           &engine,     [seed](const state::JobState& state) { return state::InitialiseWeights(state, seed); }};
    JobOptions options;
    options.stop_requested_at = [this, worker = world.rank()] { return case_.stop_requested_at(worker); };
    return RunJob(world, attempt, inputs, options, worker_progress);
  }

  testing::TempFolder folder_;
  int attempt_ = 0;
};

class JobTest : public ::testing::Test, protected JobHarness {};

TEST_F(JobTest, AStepThatIsEvaluatedIsSavedFirstSoThatTheBestIsKept) {
  case_.spec.mutable_checkpoint()->set_every_steps(5);
  case_.spec.mutable_checkpoint()->set_keep(100);
  for (const Status& end : RunAttempt()) EXPECT_TRUE(end.ok()) << end;
  EXPECT_THAT(Sets(), ElementsAre(2, 4, 5, 6));
  for (const auto& [step, manifest] : Manifests()) {
    EXPECT_EQ(manifest.has_val_acc1(), step != 5) << step;
    EXPECT_EQ(manifest.has_val_acc1_ema(), step != 5) << step;
  }
}

TEST_F(JobTest, EvaluationsAreNotSkippedWhereStepsSpanEpochs) {
  case_.images = 10;  // 2.4 epochs a step
  case_.spec.mutable_train()->set_epochs(30);
  case_.spec.mutable_evaluate()->set_every_epochs(5);
  case_.spec.mutable_checkpoint()->set_every_steps(1000);
  case_.spec.mutable_checkpoint()->set_keep(100);
  for (const Status& end : RunAttempt()) EXPECT_TRUE(end.ok()) << end;
  EXPECT_THAT(Sets(), ElementsAre(3, 5, 7, 9, 11, 13)) << "the first steps that end with epochs 5, 10, ... done";
}

TEST_F(JobTest, AStopLetsAStepThatFitsEnd) {
  std::atomic<bool> asked = false;
  case_.stop_requested_at = [&](int worker) { return asked && worker == 1 ? Clock::System().Elapsed() : absl::InfiniteDuration(); };
  case_.prepare = [&](int worker, FormulaEngine& engine) {
    engine.BeforeLastTensor([&, worker] { asked = asked || (worker == 1 && engine.computed().back().first == 2); });
  };
  for (const Status& end : RunAttempt()) {
    EXPECT_EQ(ExitCodeOf(end), ExitCode::kStoppedAndSaved) << end;
    EXPECT_THAT(std::string(end.message()), HasSubstr("stopped after step 2"));
  }
  EXPECT_EQ(Sets().back(), 3);
}

// Worker 1 alone is asked, in the middle of a step that takes far longer than the grace.
TEST_F(JobTest, AStopGivesAStepUpThatDoesNotFitAndSavesTheLastOne) {
  for (const std::vector<std::string>& hosts : {std::vector<std::string>{"a", "a"}, std::vector<std::string>{"a", "b"}}) {
    case_.hosts = hosts;
    case_.spec.mutable_fault()->set_stop_grace(0.5);
    case_.spec.mutable_checkpoint()->set_every_steps(1000);
    case_.spec.mutable_evaluate()->set_every_epochs(0);
    const int64_t first = Sets().empty() ? 0 : Sets().back();
    std::atomic<bool> asked = false;
    case_.stop_requested_at = [&](int worker) {
      static thread_local absl::Duration since = absl::InfiniteDuration();
      if (asked && worker == 1 && since == absl::InfiniteDuration()) since = Clock::System().Elapsed();
      return asked && worker == 1 ? since : absl::InfiniteDuration();
    };
    case_.prepare = [&](int worker, FormulaEngine& engine) {
      engine.BeforeLastTensor([&, worker] {
        if (engine.computed().back().first < static_cast<uint64_t>(first) + 1) return;
        if (worker == 1) asked = true;
        absl::SleepFor(absl::Seconds(1));  // this lane, and each of the three that follow
      });
    };
    const absl::Duration start = Clock::System().Elapsed();
    for (const Status& end : RunAttempt()) {
      EXPECT_EQ(ExitCodeOf(end), ExitCode::kStoppedAndSaved) << end;
      EXPECT_THAT(std::string(end.message()), HasSubstr(absl::StrCat("stopped after step ", first)));
    }
    EXPECT_LT(Clock::System().Elapsed() - start, absl::Seconds(20));
    EXPECT_EQ(Sets().back(), first + 1) << "the finished step is saved, the other is not done";
  }
  // It goes on where it was, and ends as one that was never stopped.
  case_.stop_requested_at = [](int) { return absl::InfiniteDuration(); };
  case_.prepare = [](int, FormulaEngine&) {};
  for (const Status& end : RunAttempt()) EXPECT_TRUE(end.ok()) << end;
  const auto stopped = Manifests().at(6);
  JobHarness undisturbed;
  undisturbed.case_.spec = case_.spec;
  for (const Status& end : undisturbed.RunAttempt()) EXPECT_TRUE(end.ok()) << end;
  EXPECT_EQ(stopped.weights_digest(), undisturbed.Manifests().at(6).weights_digest());
  EXPECT_EQ(stopped.state_digest(), undisturbed.Manifests().at(6).state_digest());
  ASSERT_EQ(stopped.ledger_size(), undisturbed.Manifests().at(6).ledger_size());
  for (int k = 0; k < stopped.ledger_size(); ++k) EXPECT_EQ(stopped.ledger(k).sum(), undisturbed.Manifests().at(6).ledger(k).sum());
}

TEST_F(JobTest, AStopBeforeTheFirstStepLosesNothing) {
  case_.stop_requested_at = [](int) { return absl::ZeroDuration(); };
  for (const Status& end : RunAttempt()) {
    EXPECT_EQ(ExitCodeOf(end), ExitCode::kStoppedAndSaved) << end;
    EXPECT_THAT(std::string(end.message()), HasSubstr("stopped before the first step"));
  }
  EXPECT_TRUE(Sets().empty());
}

TEST_F(JobTest, AStopGivesAnEvaluationUpWhichTheNextAttemptBeginsWith) {
  std::atomic<bool> saved = false;
  case_.stop_requested_at = [&](int worker) {
    if (worker == 0 && !saved && !Sets().empty()) saved = true;  // step 2 is saved, and evaluated next
    return saved ? Clock::System().Elapsed() : absl::InfiniteDuration();
  };
  for (const Status& end : RunAttempt()) {
    EXPECT_EQ(ExitCodeOf(end), ExitCode::kStoppedAndSaved) << end;
    EXPECT_THAT(std::string(end.message()), HasSubstr("stopped after step 1"));
  }
  EXPECT_THAT(Sets(), ElementsAre(2));
  EXPECT_FALSE(Manifests().at(2).has_val_acc1());
  EXPECT_THAT(Events(), ::testing::Not(HasSubstr("EpochEvaluated")));
  case_.stop_requested_at = [](int) { return absl::InfiniteDuration(); };
  case_.spec.mutable_checkpoint()->set_keep(100);
  for (const Status& end : RunAttempt()) EXPECT_TRUE(end.ok()) << end;
  EXPECT_TRUE(Manifests().at(2).has_val_acc1());
}

TEST_F(JobTest, AFailureOfOneWorkerIsEverybodysCause) {
  for (const std::vector<std::string>& hosts : {std::vector<std::string>{"a", "a", "a"}, std::vector<std::string>{"a", "b", "a"}}) {
    case_.hosts = hosts;
    case_.failing_worker = 1;
    case_.fails_from = 24;  // of step 1
    const auto ends = RunAttempt();
    for (size_t w = 0; w < ends.size(); ++w) {
      EXPECT_EQ(ExitCodeOf(ends[w]), ExitCode::kCorrupt) << ends[w];
      EXPECT_EQ(exchange::AgreedFailureOf(ends[w]), 1);
      EXPECT_THAT(std::string(ends[w].message()), HasSubstr("/data/x.jpg: broken JPEG"));
      EXPECT_EQ(ends[w].message().find("worker 1: "), w == 1 ? std::string::npos : 0u);
    }
  }
}

TEST_F(JobTest, SkippedStepsInARowEndTheJobAndKeepTheSetBeforeThem) {
  case_.engine.fault = Fault::kLoss;
  case_.engine.fault_step = 2;
  case_.engine.fault_steps = 1000;
  case_.spec.mutable_train()->set_epochs(20);
  case_.spec.mutable_train()->set_non_finite(v1::TrainSpec::SKIP);
  case_.spec.mutable_fault()->set_max_skipped_steps(6);
  case_.spec.mutable_checkpoint()->set_every_steps(1);
  case_.spec.mutable_evaluate()->set_every_epochs(0);
  for (int attempt = 0; attempt < 2; ++attempt) {  // the second goes on with the count of the first
    for (const Status& end : RunAttempt()) {
      EXPECT_EQ(ExitCodeOf(end), ExitCode::kNonFinite) << end;
      EXPECT_THAT(std::string(end.message()), HasSubstr("loss of step 7, lane 5: not finite: 6 steps skipped in a row"));
    }
    EXPECT_THAT(Sets(), ElementsAre(1, 7)) << "7 and 2 hold equal weights; 1 those before them";
  }
}

TEST_F(JobTest, ASkippedStepAmongOthersEndsNothing) {
  case_.engine.fault = Fault::kLoss;
  case_.engine.fault_step = 2;
  case_.spec.mutable_train()->set_non_finite(v1::TrainSpec::SKIP);
  case_.spec.mutable_fault()->set_max_skipped_steps(2);
  for (const Status& end : RunAttempt()) EXPECT_TRUE(end.ok()) << end;
}

}  // namespace
}  // namespace deit::train
