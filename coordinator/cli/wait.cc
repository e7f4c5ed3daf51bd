// `deit-coord wait JOB`: returns when a job is over, and says by its exit code how.
#include <cstdio>

#include "common/base/clock.h"
#include "common/base/numbers.h"
#include "coordinator/cli/interruption.h"
#include "coordinator/cli/known_job.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

constexpr absl::Duration kWaitPoll = absl::Milliseconds(200);

VerbExit ExitOf(v1::JobState::Value state) {
  switch (state) {
    case v1::JobState::SUCCEEDED: return VerbExit::kDone;
    case v1::JobState::CANCELED: return VerbExit::kConflict;
    case v1::JobState::STOPPED: return VerbExit::kStoppedAndSaved;
    default: return VerbExit::kFailed;
  }
}

StatusOr<VerbExit> RunWait(const Arguments& arguments) {
  absl::Duration timeout = absl::InfiniteDuration();
  if (const auto text = arguments.Value("timeout")) {
    DEIT_ASSIGN_OR_RETURN(timeout, ParseSeconds("timeout", *text));
  }
  DEIT_ASSIGN_OR_RETURN(KnownJob job, KnownJob::Find("wait", arguments));
  CatchInterrupts();
  const absl::Duration start = Clock::System().Elapsed();
  for (;;) {
    const JobSnapshot look = job.Look();
    if (look.over()) {
      std::puts(absl::StrCat(job.Title(), ": ", StateText(look.health)).c_str());
      return ExitOf(look.health.state);
    }
    const absl::Duration left = timeout - (Clock::System().Elapsed() - start);
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(
          absl::StrCat("wait: ", job.Title(), ": after ", DurationText(timeout), " still ", StateText(look.health)));
    }
    if (!SleepUnlessInterrupted(std::min(kWaitPoll, left))) return VerbExit::kInterrupted;
  }
}

}  // namespace

const Verb kWait{
    .name = "wait",
    .summary = "wait until a job is over; exit 0 SUCCEEDED, 1 FAILED or LOST, 6 CANCELED, 75 STOPPED",
    .usage = {"wait JOB [--timeout=SECONDS]"},
    .examples = {"deit-coord wait 7f3a && echo done", "deit-coord wait runs/student --timeout=0"},
    .flags = {{.name = "timeout",
               .value = "SECONDS",
               .help = "at most so long, then exit 5; 0 looks once; without it as long as it takes"}},
    .run = RunWait,
};

}  // namespace deit::cli
