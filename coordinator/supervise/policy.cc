#include "coordinator/supervise/policy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/exit_code.h"
#include "common/run/summary.h"

namespace deit::supervise {
namespace {

constexpr absl::Duration kFirstDelay = absl::Seconds(1);
constexpr absl::Duration kLongestDelay = absl::Seconds(60);

int64_t Reached(const v1::Summary::Attempt& attempt) { return attempt.first_step() + attempt.steps_executed(); }

// What would end the same way again: a wrong job, an input that is not there, a run folder that cannot be used.
bool Hopeless(const RootCause& cause) {
  if (cause.kind != RootCause::Kind::kExit || !cause.exit_code) return false;
  switch (static_cast<ExitCode>(*cause.exit_code)) {
    case ExitCode::kBadConfig:
    case ExitCode::kMissingInput:
    case ExitCode::kRunFolder: return true;
    default: return false;
  }
}

absl::Duration Delay(int without_progress) {
  if (without_progress <= 1) return absl::ZeroDuration();
  return std::min(kLongestDelay, kFirstDelay * (1 << std::min(without_progress - 2, 10)));
}

NextStep End(v1::JobState::Value state, std::string reason) {
  NextStep next;
  next.state = state;
  next.reason = std::move(reason);
  return next;
}

}  // namespace

History HistoryOf(const v1::Summary& summary, int first_attempt) {
  History history;
  int64_t furthest = 0, last_step = -1;
  for (const auto& attempt : summary.attempts()) {
    const bool trained = attempt.has_train_start_time();
    // Its owner died before it was launched, or before anybody saw its end: that says nothing of the job.
    if (!trained && !attempt.has_end_time()) continue;
    const bool progress = trained && Reached(attempt) > furthest;
    // One that never trained failed where the next one would have begun.
    const int64_t step = trained ? Reached(attempt) : std::max<int64_t>(last_step, 0);
    furthest = std::max(furthest, trained ? Reached(attempt) : 0);
    if (attempt.attempt() < first_attempt) {
      last_step = step;
      continue;
    }
    if (run::EndedWell(attempt)) {
      history = History{};
    } else {
      ++history.restarts;
      history.without_progress = progress ? 0 : history.without_progress + 1;
      history.same_step = step == last_step && history.same_step > 0 ? history.same_step + 1 : 1;
    }
    last_step = step;
  }
  history.restarts = std::max(0, history.restarts - 1);  // the last failure has no successor yet
  return history;
}

NextStep AfterAttempt(const RootCause& cause, const History& history, int max_restarts, bool stop_wanted) {
  using Kind = RootCause::Kind;
  if (cause.kind == Kind::kDone) return End(v1::JobState::SUCCEEDED, "trained to the end");
  if (cause.kind == Kind::kStopped) return End(v1::JobState::STOPPED, "stopped with everything saved");
  if (Hopeless(cause)) return End(v1::JobState::FAILED, "another attempt would end the same way");
  if (cause.kind == Kind::kKilled) return End(v1::JobState::STOPPED, "killed as asked: run again goes on from the last checkpoint");
  if (stop_wanted)
    return End(v1::JobState::FAILED, "the attempt failed while it was being stopped: run again goes on from the last checkpoint");
  if (history.same_step >= kSameStepLimit) {
    return End(v1::JobState::FAILED, absl::StrCat("failed ", history.same_step, " times in a row at the same step"));
  }
  if (history.restarts >= max_restarts) {
    NextStep next = End(v1::JobState::FAILED, absl::StrCat("all restarts are used up (fault.max_restarts=", max_restarts, ")"));
    next.budget_exhausted = true;
    return next;
  }
  NextStep next;
  next.restart = true;
  next.delay = Delay(history.without_progress);
  next.reason = next.delay > absl::ZeroDuration() ? absl::StrCat("the next attempt follows in ", absl::FormatDuration(next.delay))
                                                  : "the next attempt follows at once";
  return next;
}

}  // namespace deit::supervise
