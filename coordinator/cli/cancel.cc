// `deit-coord cancel JOB`: a job saves and ends for good.
#include <cstdio>

#include "common/base/log.h"
#include "coordinator/api/cancel.h"
#include "coordinator/api/cancel_decision.h"
#include "coordinator/cli/confirm.h"
#include "coordinator/cli/interruption.h"
#include "coordinator/cli/known_job.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

using v1::JobState;

constexpr char kDefaultTimeout[] = "60";

std::string Question(const api::JobHandle& job, const api::JobSnapshot& snapshot) {
  return absl::StrCat("cancel ", job.Title(), " for good? it ", snapshot.over() ? "has stopped" : "saves first");
}

StatusOr<VerbExit> PrintEnd(const api::JobHandle& job, const v1::JobStatus& ended) {
  switch (ended.state()) {
    case JobState::CANCELED: {
      const bool saved = ended.exit_code() != static_cast<int>(VerbExit::kNotSaved);
      std::puts(absl::StrCat(job.Title(), ": canceled; ", saved ? "everything" : "not everything", " is saved").c_str());
      return VerbExit::kDone;
    }
    case JobState::SUCCEEDED:
      std::puts(absl::StrCat(job.Title(), ": completed before it could be canceled").c_str());
      return VerbExit::kDone;
    default: break;
  }
  return WithVerbExit(
      absl::AbortedError(absl::StrCat(job.Title(), ": failed instead of saving: ", api::StateText(ended.state(), ended.reason()))),
      VerbExit::kFailed);
}

StatusOr<VerbExit> RunCancel(const Arguments& arguments) {
  DEIT_ASSIGN_OR_RETURN(const absl::Duration timeout, ParseSeconds("timeout", arguments.Value("timeout").value_or(kDefaultTimeout)));
  DEIT_ASSIGN_OR_RETURN(api::JobHandle job, FindJob("cancel", arguments));
  const api::JobSnapshot snapshot = job.Look();
  if (api::IsEndedForGood(snapshot)) {
    std::puts(absl::StrCat(job.Title(), ": is over already: ", api::StateText(snapshot.health.state, snapshot.health.reason)).c_str());
    return VerbExit::kDone;
  }
  DEIT_RETURN_IF_ERROR(api::CheckCancel(job, snapshot));
  DEIT_ASSIGN_OR_RETURN(const bool confirmed, Confirm(arguments, "cancel", Question(job, snapshot)));
  if (!confirmed) return absl::CancelledError("cancel: nothing was done");
  CatchInterrupts();
  const auto ended = api::CancelJob(job, timeout, SleepUnlessInterrupted);
  if (absl::IsCancelled(ended.status())) {
    LogInfo(ended.status().message());
    return VerbExit::kInterrupted;
  }
  DEIT_RETURN_IF_ERROR(ended.status());
  return PrintEnd(job, *ended);
}

}  // namespace

const Verb kCancel{
    .name = "cancel",
    .summary = "make a job save and end for good",
    .usage = {"cancel JOB [--yes] [--timeout=SECONDS]"},
    .examples = {"deit-coord cancel 7f3a --yes"},
    .flags = {YesFlag(),
              {.name = "timeout",
               .value = "SECONDS",
               .help = absl::StrCat("wait at most this long for its end; default ", kDefaultTimeout)}},
    .run = RunCancel,
};

}  // namespace deit::cli
