#include "common/run/summary.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/base/unix_time.h"
#include "common/json/json_file.h"

namespace deit::run {
namespace {

constexpr char kLost[] = "lost: its end was not recorded";

// "loss not finite: step 12: loss is nan": why an attempt ended, in one sentence.
std::string Cause(const v1::AttemptResult& result) {
  const std::string meaning = result.meaning().empty() ? Meaning(static_cast<ExitCode>(result.exit_code())) : result.meaning();
  return result.message().empty() ? meaning : absl::StrCat(meaning, ": ", result.message());
}

v1::Summary::Attempt* Last(int attempt, v1::Summary* summary) {
  DEIT_CHECK(summary->attempts_size() > 0, "BeginAttempt comes first");
  auto* last = summary->mutable_attempts(summary->attempts_size() - 1);
  DEIT_CHECK(last->attempt() == attempt, "attempt ", attempt, " is not the last one, ", last->attempt());
  return last;
}

}  // namespace

v1::JobState::Value StateAfter(ExitCode code) {
  switch (code) {
    case ExitCode::kDone: return v1::JobState::SUCCEEDED;
    case ExitCode::kStoppedAndSaved: return v1::JobState::STOPPED;
    default: return v1::JobState::FAILED;
  }
}

bool IsEnd(v1::JobState::Value state) {
  switch (state) {
    case v1::JobState::STOPPED:
    case v1::JobState::SUCCEEDED:
    case v1::JobState::FAILED:
    case v1::JobState::CANCELED:
    case v1::JobState::LOST: return true;
    default: return false;
  }
}

bool EndedWell(const v1::Summary::Attempt& attempt) {
  return attempt.has_exit_code() && !attempt.has_signal() && !attempt.has_worker() && EndedWell(static_cast<ExitCode>(attempt.exit_code()));
}

int RestartsSince(int first_attempt, const v1::Summary& summary) {
  int restarts = 0;
  for (int k = 1; k < summary.attempts_size(); ++k) {
    restarts += summary.attempts(k).attempt() > first_attempt && !EndedWell(summary.attempts(k - 1));
  }
  return restarts;
}

void BeginAttempt(const AttemptLaunch& launch, v1::Summary* summary) {
  if (summary->attempts_size() > 0) {
    auto* last = summary->mutable_attempts(summary->attempts_size() - 1);
    if (last->cause().empty()) last->set_cause(kLost);
    if (!EndedWell(*last)) summary->set_restarts(summary->restarts() + 1);
  }
  summary->set_job(launch.job);
  summary->set_name(launch.name);
  summary->set_spec_digest(launch.spec_digest);
  summary->set_state(v1::JobState::STARTING);
  auto* attempt = summary->add_attempts();
  attempt->set_attempt(launch.attempt);
  attempt->set_workers(launch.workers);
  attempt->set_start_time(UnixSeconds(launch.time));
}

void ApplyStart(const v1::AttemptStart& start, v1::Summary* summary) {
  auto* attempt = Last(start.attempt(), summary);
  if (attempt->has_train_start_time()) return;
  attempt->set_train_start_time(start.time());
  for (int k = summary->attempts_size() - 2; k >= 0; --k) {
    auto* before = summary->mutable_attempts(k);
    if (!before->has_train_start_time()) continue;
    before->set_steps_executed(std::max(before->steps_executed(), start.reached_step() - before->first_step()));
    break;
  }
  summary->set_state(v1::JobState::RUNNING);
  summary->set_steps(start.first_step());
  summary->set_steps_lost(summary->steps_lost() + std::max<int64_t>(0, start.reached_step() - start.first_step()));
  attempt->set_first_step(start.first_step());
  if (start.has_recovery()) attempt->mutable_recovery()->MergeFrom(start.recovery());
}

void ApplyResult(const v1::AttemptResult& result, v1::Summary* summary) {
  auto* attempt = Last(result.attempt(), summary);
  attempt->set_steps_executed(result.steps_executed());
  summary->set_teacher_forwards(summary->teacher_forwards() - attempt->teacher_forwards() + result.teacher_forwards());
  attempt->set_teacher_forwards(result.teacher_forwards());
  summary->set_steps(result.first_step() + result.steps_executed());
  summary->set_epochs(result.epochs());
  summary->set_weights_digest(result.weights_digest());
  summary->set_state_digest(result.state_digest());
  summary->set_views_replaced(result.views_replaced());
  if (result.has_val_acc1()) summary->set_val_acc1(result.val_acc1());
  if (result.has_val_acc1_ema()) summary->set_val_acc1_ema(result.val_acc1_ema());
  if (result.has_images_per_second()) summary->set_images_per_second(result.images_per_second());
  summary->set_numerics_fingerprint(result.numerics_fingerprint());
  *summary->mutable_workers() = result.workers();
  attempt->set_exit_code(result.exit_code());
  attempt->set_cause(Cause(result));
  attempt->set_end_time(result.time());
  summary->set_state(StateAfter(static_cast<ExitCode>(result.exit_code())));
}

void ApplyEnd(const AttemptEnd& end, v1::Summary* summary) {
  auto* attempt = Last(end.attempt, summary);
  attempt->set_cause(end.cause);
  attempt->set_node(end.node);
  attempt->set_failure(end.failure);
  attempt->set_end_time(UnixSeconds(end.time));
  if (end.exit_code) attempt->set_exit_code(*end.exit_code);
  if (end.signal) attempt->set_signal(*end.signal);
  if (end.worker) attempt->set_worker(*end.worker);
  if (attempt->has_train_start_time()) {
    attempt->set_steps_executed(std::max(attempt->steps_executed(), end.reached_step - attempt->first_step()));
  }
  summary->set_steps(std::max(summary->steps(), end.reached_step));
}

v1::Summary ReadSummary(files::FileSystem& fs, const std::string& path) {
  v1::Summary summary;
  const Status read = json::ReadJsonFile(fs, path, &summary);
  if (read.ok()) return summary;
  if (!absl::IsNotFound(read)) LogWarning(absl::StrCat(read.message(), ": starting a new summary"));
  return v1::Summary();
}

Status WriteSummary(files::FileSystem& fs, const std::string& path, const v1::Summary& summary) {
  return json::WriteJsonFile(fs, path, summary);
}

}  // namespace deit::run
