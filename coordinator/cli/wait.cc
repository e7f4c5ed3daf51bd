// `deit-coord wait JOB`: returns when a job is over, with an exit code that says how it ended.
#include <cstdio>

#include "coordinator/api/jobs.h"
#include "coordinator/cli/interruption.h"
#include "coordinator/cli/known_job.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

VerbExit ExitOf(const v1::JobStatus& job) {
  switch (job.state()) {
    case v1::JobState::SUCCEEDED: return VerbExit::kDone;
    case v1::JobState::CANCELED: return VerbExit::kConflict;
    case v1::JobState::STOPPED:
      return job.exit_code() == static_cast<int>(VerbExit::kNotSaved) ? VerbExit::kNotSaved : VerbExit::kStoppedAndSaved;
    default: return VerbExit::kFailed;
  }
}

StatusOr<VerbExit> RunWait(const Arguments& arguments) {
  absl::Duration timeout = absl::InfiniteDuration();
  if (const auto text = arguments.Value("timeout")) {
    DEIT_ASSIGN_OR_RETURN(timeout, ParseSeconds("timeout", *text));
  }
  DEIT_ASSIGN_OR_RETURN(api::JobHandle job, FindJob("wait", arguments));
  CatchInterrupts();
  const auto ended = api::WaitForJob(job, timeout, SleepUnlessInterrupted);
  if (absl::IsCancelled(ended.status())) return VerbExit::kInterrupted;
  DEIT_RETURN_IF_ERROR(ended.status());
  std::puts(absl::StrCat(job.Title(), ": ", api::StateText(ended->state(), ended->reason())).c_str());
  return ExitOf(*ended);
}

}  // namespace

const Verb kWait{
    .name = "wait",
    .summary = "wait until a job is over; exit 0 SUCCEEDED, 1 FAILED or LOST, 6 CANCELED, 74 or 75 STOPPED",
    .usage = {"wait JOB [--timeout=SECONDS]"},
    .examples = {"deit-coord wait 7f3a && echo done", "deit-coord wait runs/student --timeout=0"},
    .flags = {{.name = "timeout", .value = "SECONDS", .help = "at most this long, then exit 5; 0 looks once; default: no limit"}},
    .run = RunWait,
};

}  // namespace deit::cli
