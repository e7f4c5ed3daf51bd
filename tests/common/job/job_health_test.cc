#include "common/job/job_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/job_records.h"

namespace deit::job {
namespace {

using files::LockState;
using process::Life;
using v1::JobState;

constexpr double kNow = 1'790'000'000;

v1::JobRecord Record(JobState::Value state) { return testing::RecordOf("7f3a0001", state, v1::ProcessIdentity()); }

v1::LauncherExit Exit(int code) {
  v1::LauncherExit exit;
  exit.set_exit_code(code);
  return exit;
}

v1::AttemptResult Result(int code) {
  v1::AttemptResult result;
  result.set_exit_code(code);
  return result;
}

struct Case {
  const char* what;
  JobState::Value recorded;
  LivenessEvidence evidence;
  double silence;  // seconds since the owner's last word
  JobState::Value state;
  const char* reason;
  const char* hint;
};

constexpr char kTakeOver[] = "deit-coord run --run_dir=/runs/deit-ti takes it over";
constexpr char kRunAgain[] = "deit-coord run --run_dir=/runs/deit-ti goes on from its last checkpoint";
constexpr char kVanished[] = "its processes are gone, and none of them recorded an end";

TEST(JobHealthTest, TheTableOfJudgements) {
  const Life alive = Life::kAlive, dead = Life::kDead, unknown = Life::kUnknown;
  v1::LauncherExit killed, starved = Exit(137);
  killed.set_signal(9);
  starved.set_out_of_memory_kills(1);
  v1::LauncherExit not_finite = Exit(76), not_started;
  not_finite.set_out_of_memory_kills(1);
  not_started.set_error("/tmp/deit-0-7f3a0001-1: cannot create folder: read-only file system");
  const std::vector<Case> table = {
      {"owner lives", JobState::RUNNING, {.owner = alive, .guardian = alive}, 1, JobState::RUNNING, "", ""},
      {"owner lives, attempt does not",
       JobState::RECOVERING,
       {.owner = alive, .exit = Exit(137)},
       1,
       JobState::RECOVERING,
       "its workers start again",
       ""},
      {"owner is stopped",
       JobState::RUNNING,
       {.owner = alive, .guardian = alive},
       61,
       JobState::RUNNING,
       "its owner lives, but is silent for 1m",
       ""},
      {"owner elsewhere speaks", JobState::RUNNING, {.owner = unknown, .guardian = unknown}, 59, JobState::RUNNING, "", ""},
      {"owner elsewhere is silent",
       JobState::RUNNING,
       {.owner = unknown, .guardian = unknown},
       61,
       JobState::LOST,
       "no word from another-host for 1m",
       kRunAgain},
      {"owner elsewhere is silent, its workers train",
       JobState::RUNNING,
       {.owner = unknown, .guardian = unknown, .workers = {unknown}, .trained = kNow - 59},
       61,
       JobState::RUNNING,
       "unsupervised",
       "deit-coord run --run_dir=/runs/deit-ti on another-host takes it over"},
      {"owner died in a container whose attempt goes on",
       JobState::RUNNING,
       {.owner = dead, .guardian = Life::kHidden, .attempt_lock = LockState::kHeld},
       1000,
       JobState::RUNNING,
       "unsupervised",
       "deit-coord run --run_dir=/runs/deit-ti in its container takes it over"},
      {"owner elsewhere is silent, its workers too",
       JobState::RUNNING,
       {.owner = unknown, .guardian = unknown, .workers = {unknown}, .trained = kNow - 61},
       90,
       JobState::LOST,
       "no word from another-host for 1m",
       kRunAgain},
      {"owner died, guardian lives",
       JobState::RUNNING,
       {.owner = dead, .guardian = alive},
       1000,
       JobState::RUNNING,
       "unsupervised",
       kTakeOver},
      {"owner died while workers started",
       JobState::STARTING,
       {.owner = dead, .guardian = alive},
       1,
       JobState::RUNNING,
       "unsupervised",
       kTakeOver},
      {"owner and guardian died, a worker lives",
       JobState::RUNNING,
       {.owner = dead, .workers = {dead, alive}},
       1,
       JobState::RUNNING,
       "unsupervised",
       kTakeOver},
      {"owner died, attempt failed",
       JobState::RUNNING,
       {.owner = dead, .exit = Exit(69)},
       1,
       JobState::FAILED,
       "exit 69 (a peer was lost or stalled)",
       kRunAgain},
      {"the guardian has written its last, but not gone yet",
       JobState::RUNNING,
       {.owner = dead, .guardian = alive, .exit = Exit(69)},
       1,
       JobState::FAILED,
       "exit 69 (a peer was lost or stalled)",
       kRunAgain},
      {"owner died, launcher killed",
       JobState::RUNNING,
       {.owner = dead, .exit = killed},
       1,
       JobState::FAILED,
       "its launcher was ended by signal 9 (Killed)",
       kRunAgain},
      {"owner died, no memory",
       JobState::RUNNING,
       {.owner = dead, .exit = starved},
       1,
       JobState::FAILED,
       "out of memory: the kernel ended a worker",
       kRunAgain},
      {"owner died, another process of the group was killed for its memory",
       JobState::RUNNING,
       {.owner = dead, .exit = not_finite},
       1,
       JobState::FAILED,
       "exit 76 (loss not finite)",
       kRunAgain},
      {"owner died, the guardian could not start the launcher",
       JobState::RUNNING,
       {.owner = dead, .exit = not_started},
       1,
       JobState::FAILED,
       "/tmp/deit-0-7f3a0001-1: cannot create folder: read-only file system",
       kRunAgain},
      {"owner died, attempt went through",
       JobState::RUNNING,
       {.owner = dead, .exit = Exit(0), .result = Result(0)},
       1,
       JobState::SUCCEEDED,
       "all steps are done",
       ""},
      {"owner died, attempt saved",
       JobState::DRAINING,
       {.owner = dead, .exit = Exit(75), .result = Result(75)},
       1,
       JobState::STOPPED,
       "saved: run it again to go on",
       ""},
      {"owner died, attempt saved for good",
       JobState::DRAINING,
       {.owner = dead, .exit = Exit(75), .result = Result(75), .cancel_requested = true},
       1,
       JobState::CANCELED,
       "canceled",
       ""},
      {"owner died, the launcher says that all is well, worker 0 did not",
       JobState::RUNNING,
       {.owner = dead, .exit = Exit(0)},
       1,
       JobState::FAILED,
       "exit 0, but worker 0 recorded no good end",
       kRunAgain},
      {"owner died, attempt failed as worker 0 says too",
       JobState::RUNNING,
       {.owner = dead, .exit = Exit(69), .result = Result(76)},
       1,
       JobState::FAILED,
       "exit 69 (a peer was lost or stalled)",
       kRunAgain},
      {"owner and guardian died after the attempt went through",
       JobState::RUNNING,
       {.owner = dead, .workers = {dead, dead}, .result = Result(0)},
       1,
       JobState::SUCCEEDED,
       "all steps are done",
       ""},
      {"owner died, worker 0 has written its last, others are not gone yet",
       JobState::RUNNING,
       {.owner = dead, .workers = {alive, dead}, .result = Result(0)},
       1,
       JobState::RUNNING,
       "unsupervised",
       kTakeOver},
      {"everything died", JobState::RUNNING, {.owner = dead, .workers = {dead, dead}}, 1, JobState::LOST, kVanished, kRunAgain},
      {"everything died, trained a second ago",
       JobState::RUNNING,
       {.owner = dead, .workers = {dead, dead}, .trained = kNow - 1},
       1,
       JobState::LOST,
       kVanished,
       kRunAgain},
  };
  for (const Case& c : table) {
    v1::JobRecord record = Record(c.recorded);
    record.mutable_owner()->set_host("another-host");
    record.mutable_guardian()->set_host("another-host");
    record.set_updated(kNow - c.silence);
    const JobHealth health = ResolveJobState(record, c.evidence, kNow);
    EXPECT_EQ(health.state, c.state) << c.what;
    EXPECT_EQ(health.reason, c.reason) << c.what;
    EXPECT_EQ(health.hint, c.hint) << c.what;
  }
}

TEST(JobHealthTest, ARecordedEndIsTheEndWhateverLives) {
  for (const auto state : {JobState::STOPPED, JobState::SUCCEEDED, JobState::FAILED, JobState::CANCELED}) {
    v1::JobRecord record = Record(state);
    record.set_reason("worker 1 on n1: exit 71");
    record.set_hint("look at its logs");
    record.set_ended(kNow - 9000);
    for (const LivenessEvidence& evidence :
         {LivenessEvidence{.owner = Life::kAlive, .guardian = Life::kAlive}, LivenessEvidence{.exit = Exit(70)}, LivenessEvidence{}}) {
      const JobHealth health = ResolveJobState(record, evidence, kNow);
      EXPECT_EQ(health.state, state);
      EXPECT_EQ(health.reason, "worker 1 on n1: exit 71");
      EXPECT_EQ(health.hint, "look at its logs");
    }
  }
}

TEST(JobHealthTest, UnderABareMpirunNobodyCanTakeOver) {
  v1::JobRecord record = Record(JobState::RUNNING);
  record.clear_guardian();
  EXPECT_EQ(ResolveJobState(record, {.workers = {Life::kAlive}}, kNow).hint, "");
}

TEST(JobHealthTest, OnlyWhileAJobSimplyRunsThereIsNothingToSay) {
  for (int state = 0; state < v1::JobState::Value_ARRAYSIZE; ++state) {
    v1::JobRecord record = Record(static_cast<JobState::Value>(state));
    record.set_updated(kNow);
    const bool silent = ResolveJobState(record, {.owner = Life::kAlive}, kNow).reason.empty();
    EXPECT_EQ(silent, state == JobState::RUNNING || state == JobState::LOST) << JobState::Value_Name(record.state());
  }
}

TEST(JobHealthTest, TheLockOfAnAttemptDecidesWhetherItLives) {
  const Life alive = Life::kAlive, dead = Life::kDead, hidden = Life::kHidden, unknown = Life::kUnknown;
  struct {
    const char* what;
    LivenessEvidence evidence;
    double silence;
    bool lives;
  } const table[] = {
      {"held: whatever is seen of the processes", {.guardian = dead, .workers = {dead}, .attempt_lock = LockState::kHeld}, 1000, true},
      {"free where it was held", {.guardian = hidden, .attempt_lock = LockState::kFree, .attempt_lock_here = true}, 1, false},
      {"free, but held elsewhere", {.guardian = unknown, .attempt_lock = LockState::kFree}, 59, true},
      {"free, but held elsewhere and silent", {.guardian = unknown, .attempt_lock = LockState::kFree}, 61, false},
      {"free, but held elsewhere, and its workers speak",
       {.guardian = unknown, .attempt_lock = LockState::kFree, .trained = kNow - 59},
       1000,
       true},
      {"no answer, the guardian lives", {.guardian = alive}, 1000, true},
      {"no answer, a worker cannot be looked at", {.guardian = dead, .workers = {hidden}}, 1000, true},
      {"no answer, all seen dead", {.guardian = dead, .workers = {dead}}, 1, false},
      {"no answer, elsewhere, heard lately", {.guardian = unknown}, 59, true},
      {"no answer, elsewhere, silent", {.guardian = unknown}, 61, false},
  };
  for (const auto& c : table) {
    v1::JobRecord record = Record(JobState::RUNNING);
    record.set_updated(kNow - c.silence);
    EXPECT_EQ(AttemptLives(record, c.evidence, kNow), c.lives) << c.what;
  }
  const LivenessEvidence gone = {.workers = {hidden}, .attempt_lock = LockState::kFree, .attempt_lock_here = true};
  EXPECT_FALSE(WorkerLives(gone, 0, kNow)) << "of a container that is gone";
}

}  // namespace
}  // namespace deit::job
