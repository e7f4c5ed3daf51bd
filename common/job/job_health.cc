#include "common/job/job_health.h"

#include <algorithm>
#include <csignal>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/exit_code.h"
#include "common/base/numbers.h"
#include "common/run/summary.h"
#include "common/text/shell_word.h"

namespace deit::job {
namespace {

using process::Life;
using v1::JobState;

std::string Run(const v1::JobRecord& record, absl::string_view effect) {
  return absl::StrCat("deit-coord run --run_dir=", text::ShellWord(record.run_dir()), " ", effect);
}
std::string RunAgain(const v1::JobRecord& record) { return Run(record, "goes on from its last checkpoint"); }

// A take-over is possible where the guardian can be signalled.
std::string TakeOver(const v1::JobRecord& record, Life guardian) {
  if (!record.has_guardian()) return "";
  switch (guardian) {
    case Life::kHidden: return Run(record, "in its container takes it over");
    case Life::kUnknown: return Run(record, absl::StrCat("on ", record.guardian().host(), " takes it over"));
    default: return Run(record, "takes it over");
  }
}

bool Speaks(Life life, double last_word, double now) {
  return life == Life::kAlive || life == Life::kHidden || (life == Life::kUnknown && now - last_word <= kSilenceSeconds);
}

std::string For(double seconds) { return DurationText(absl::Seconds(std::max(0.0, seconds))); }

// What an owner need not say, because the state says it.
const char* UsualReason(JobState::Value state) {
  switch (state) {
    case JobState::QUEUED: return "waits for its turn";
    case JobState::STARTING: return "its workers start";
    case JobState::RECOVERING: return "its workers start again";
    case JobState::DRAINING: return "saves and stops";
    case JobState::STOPPED: return "saved: run it again to go on";
    case JobState::SUCCEEDED: return "all steps are done";
    case JobState::CANCELED: return "canceled";
    case JobState::FAILED: return "its owner gave no cause";
    default: return "";
  }
}

JobHealth AsRecorded(const v1::JobRecord& record) {
  return {record.state(), record.reason().empty() ? UsualReason(record.state()) : record.reason(), record.hint()};
}

// The kernel kills with signal 9; mpirun passes that on as 128 + 9.
bool KilledBySignal9(const v1::LauncherExit& exit) {
  return exit.has_signal() ? exit.signal() == SIGKILL : exit.exit_code() == 128 + SIGKILL;
}

std::string Cause(const v1::LauncherExit& exit) {
  if (!exit.error().empty()) return exit.error();
  if (exit.out_of_memory_kills() > 0 && KilledBySignal9(exit)) return "out of memory: the kernel ended a worker";
  if (exit.has_signal()) return absl::StrCat("its launcher was ended by signal ", exit.signal(), " (", ::strsignal(exit.signal()), ")");
  const auto code = static_cast<ExitCode>(exit.exit_code());
  if (EndedWell(code)) return absl::StrCat("exit ", exit.exit_code(), ", but worker 0 recorded no good end");
  return absl::StrCat("exit ", exit.exit_code(), " (", Meaning(code), ")");
}

// The end of an attempt whose owner did not live to record it: what worker 0 recorded, if that was a good one, as at a take-over
// (coordinator/job/root_cause.h).
std::optional<JobHealth> EndOfAttempt(const v1::JobRecord& record, const LivenessEvidence& evidence) {
  if (evidence.result && EndedWell(static_cast<ExitCode>(evidence.result->exit_code()))) {
    auto state = run::StateAfter(static_cast<ExitCode>(evidence.result->exit_code()));
    if (state == JobState::STOPPED && evidence.cancel_requested) state = JobState::CANCELED;
    return JobHealth{state, UsualReason(state), ""};
  }
  if (evidence.exit) return JobHealth{JobState::FAILED, Cause(*evidence.exit), RunAgain(record)};
  return std::nullopt;
}

}  // namespace

bool WorkerLives(const LivenessEvidence& evidence, size_t index, double now) {
  if (evidence.attempt_lock == files::LockState::kFree && evidence.attempt_lock_here)
    return false;  // none of the attempt's processes lives
  return index < evidence.workers.size() && Speaks(evidence.workers[index], evidence.trained.value_or(0), now);
}

bool AttemptLives(const v1::JobRecord& record, const LivenessEvidence& evidence, double now) {
  const double last_word = std::max(evidence.trained.value_or(0), record.updated());
  switch (evidence.attempt_lock) {
    case files::LockState::kHeld: return true;
    case files::LockState::kFree: return !evidence.attempt_lock_here && now - last_word <= kSilenceSeconds;
    case files::LockState::kUnknown: break;
  }
  bool lives = Speaks(evidence.guardian, last_word, now);
  for (const Life worker : evidence.workers) lives = lives || Speaks(worker, last_word, now);
  return lives;
}

JobHealth ResolveJobState(const v1::JobRecord& record, const LivenessEvidence& evidence, double now) {
  if (record.has_ended()) return AsRecorded(record);
  const double silent = now - record.updated();
  if (Speaks(evidence.owner, record.updated(), now)) {
    JobHealth health = AsRecorded(record);
    if (silent > kSilenceSeconds) health.reason = absl::StrCat("its owner lives, but is silent for ", For(silent));
    return health;
  }
  if (!evidence.exit && AttemptLives(record, evidence, now))
    return {JobState::RUNNING, "unsupervised", TakeOver(record, evidence.guardian)};
  if (const auto end = EndOfAttempt(record, evidence)) return *end;
  if (evidence.owner == Life::kUnknown) {
    return {JobState::LOST, absl::StrCat("no word from ", record.owner().host(), " for ", For(silent)), RunAgain(record)};
  }
  return {JobState::LOST, "its processes are gone, and none of them recorded an end", RunAgain(record)};
}

}  // namespace deit::job
