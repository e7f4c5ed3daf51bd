#include "coordinator/job/policy.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/exit_code.h"
#include "common/base/numbers.h"
#include "common/run/summary.h"

namespace deit::job {
namespace {

using Kind = RootCause::Kind;

constexpr absl::Duration kFirstDelay = absl::Seconds(1);
constexpr absl::Duration kLongestDelay = absl::Seconds(60);

bool ExitedWith(const RootCause& cause, ExitCode code) {
  return cause.kind == Kind::kExit && cause.exit_code && *cause.exit_code == static_cast<int>(code);
}

// What would end the same way again: a wrong job, a missing input, a run folder that cannot be used.
bool IsPermanentFailure(const RootCause& cause) {
  if (cause.permanent) return true;
  return ExitedWith(cause, ExitCode::kBadConfig) || ExitedWith(cause, ExitCode::kMissingInput) || ExitedWith(cause, ExitCode::kRunFolder);
}

// The first failure since a new step restarts at once.
absl::Duration Delay(int failures) {
  if (failures <= 1) return absl::ZeroDuration();
  return std::min(kLongestDelay, kFirstDelay * (1 << std::min(failures - 2, 10)));
}

NextStep End(v1::JobState::Value state, std::string reason) {
  NextStep next;
  next.state = state;
  next.reason = std::move(reason);
  return next;
}

NextStep AfterFailure(const PolicyInput& input) {
  const History& history = input.history;
  if (ExitedWith(input.cause, ExitCode::kNotSaved) && !input.room_for_checkpoint) {
    return End(v1::JobState::FAILED, "another attempt could not save either: no room for a checkpoint; make room, then run again");
  }
  const int limit = input.cause.kind == Kind::kLaunchFailed ? kLaunchFailureLimit : kSameCauseLimit;
  if (history.same_cause >= limit) {
    return End(v1::JobState::FAILED, absl::StrCat("failed ", history.same_cause, " times in a row with the same cause and no new step"));
  }
  if (history.failures > input.max_restarts) {
    NextStep next = End(v1::JobState::FAILED,
                        absl::StrCat("all restarts are used up: ", history.failures, history.failures == 1 ? " attempt" : " attempts",
                                     " failed since the last new step (fault.max_restarts=", input.max_restarts, ")"));
    next.budget_exhausted = true;
    return next;
  }
  NextStep next;
  next.restart = true;
  next.delay = Delay(history.failures);
  next.reason = next.delay > absl::ZeroDuration() ? absl::StrCat("the next attempt follows in ", DurationText(next.delay))
                                                  : "the next attempt follows at once";
  return next;
}

}  // namespace

void AddFailure(absl::string_view cause, int64_t reached, History* history) {
  if (reached > history->furthest) {
    history->furthest = reached;
    history->failures = history->same_cause = 0;
  }
  history->same_cause = history->cause == cause ? history->same_cause + 1 : 1;
  history->cause = std::string(cause);
  ++history->failures;
}

History HistoryOf(const v1::Summary& summary, int first_attempt, int end_attempt) {
  History history;
  for (const auto& attempt : summary.attempts()) {
    if (attempt.attempt() >= end_attempt) break;
    const bool trained = attempt.has_train_start_time();
    const int64_t reached = trained ? attempt.first_step() + attempt.steps_executed() : 0;
    const bool this_life = attempt.attempt() >= first_attempt;
    if (this_life && run::EndedWell(attempt)) {
      history = History{.furthest = std::max(history.furthest, reached)};
    } else if (this_life && (trained || attempt.has_end_time())) {
      AddFailure(attempt.failure(), reached, &history);
    } else {  // another life's; or its owner died before it was launched, or before its end was seen: not a failure of the job
      history.furthest = std::max(history.furthest, reached);
    }
  }
  return history;
}

std::string DescribeStop(const StepCounts& steps) {
  if (!steps.lost()) return steps.reached == 0 ? "stopped before the first step" : "stopped with everything saved";
  const int64_t lost = steps.reached - steps.saved;
  return absl::StrCat("stopped; ", lost, lost == 1 ? " finished step is" : " finished steps are", " lost: saved up to step ", steps.saved,
                      " of ", steps.reached);
}

NextStep AfterAttempt(const PolicyInput& input) {
  if (input.cause.kind == Kind::kDone) return End(v1::JobState::SUCCEEDED, "trained to the end");
  if (input.cause.kind == Kind::kStopped) return End(v1::JobState::STOPPED, DescribeStop(input.steps));
  if (IsPermanentFailure(input.cause)) return End(v1::JobState::FAILED, "another attempt would end the same way");
  if (input.desired != DesiredState::kRunning || input.cause.kind == Kind::kKilled)
    return End(v1::JobState::STOPPED, DescribeStop(input.steps));
  return AfterFailure(input);
}

}  // namespace deit::job
