#include "coordinator/api/cancel.h"

#include <csignal>

#include "absl/strings/str_cat.h"
#include "common/base/numbers.h"
#include "common/files/operations.h"
#include "common/job/attempt_lock.h"
#include "common/job/job_store.h"
#include "common/json/json_file.h"
#include "common/process/identity.h"
#include "common/run/run_folder.h"
#include "common/run/run_identity.h"
#include "common/spec/load.h"
#include "coordinator/api/cancel_decision.h"

namespace deit::api {
namespace {

using v1::JobState;

constexpr absl::Duration kCancelPoll = absl::Milliseconds(100);

// A guardian is believed only where the kernel confirms it: a file of the run folder may name any process of this user.
Status AskToStop(const job::Observation& seen, const v1::ProcessIdentity& receiver) {
  const job::AttemptLockProbe attempt(run::RunFolder(seen.record.run_dir()), seen.record.job(), seen.record.attempt());
  if (&receiver == &seen.record.guardian() && !attempt.IsMember(receiver)) {
    return absl::FailedPreconditionError(absl::StrCat("cancel: ", process::Describe(receiver), ": does not hold the attempt's lock"));
  }
  const Status sent = process::Signal(receiver, SIGUSR1);
  return absl::IsNotFound(sent) ? absl::OkStatus() : sent;  // it has ended meanwhile, which the next look sees
}

// What the owner of the attempt did not live to record.
void RecordAttempt(files::FileSystem& fs, const job::Observation& seen, job::JobStore& owner) {
  const int attempt = seen.record.attempt();
  const auto start = json::ReadAttemptFile<v1::AttemptStart>(fs, owner.folder().Start(attempt), attempt);
  if (start.ok()) owner.Started(*start);
  if (seen.evidence.result) owner.Ended(*seen.evidence.result);
  owner.record().clear_exit_code();  // an earlier owner's
}

// For a moment this process is the owner of the job.
Status RecordCanceled(const JobHandle& job, const JobSnapshot& snapshot) {
  files::FileSystem& fs = *job.environment().fs;
  const run::RunFolder folder(job.run_dir());
  DEIT_ASSIGN_OR_RETURN(const v1::RunIdentity identity, run::ReadIdentity(fs, folder));
  DEIT_ASSIGN_OR_RETURN(v1::JobSpec spec, spec::LoadSpec(folder.Config(), {}));
  spec.set_run_dir(job.run_dir());
  const v1::JobRecord& record = snapshot.observation.record;
  job::JobStoreOptions options{.take_over = true};
  options.workers = record.workers_wanted();
  options.workers_min = record.workers_min();
  options.workers_max = record.workers_max();
  DEIT_ASSIGN_OR_RETURN(const auto owner, job::JobStore::Take(spec, identity.spec_digest(), options));
  if (record.attempt() > 0) owner->ResumeAttempt(record.attempt());
  if (!record.has_ended()) RecordAttempt(fs, snapshot.observation, *owner);
  owner->End(JobState::CANCELED, record.has_ended() ? "canceled after it had stopped" : "canceled while no owner lived");
  return absl::OkStatus();
}

void WithdrawRequest(const JobHandle& job) {
  job.environment().fs->Remove(job.environment().state_folder.CancelRequest(job.id())).IgnoreError();
}

StatusOr<v1::JobStatus> Finish(JobHandle& job, const JobSnapshot& snapshot, bool record) {
  if (record) {
    DEIT_RETURN_IF_ERROR(
        Annotate(RecordCanceled(job, snapshot), absl::StrCat(job.Title(), ": saved and stopped, but not recorded as canceled")));
  }
  WithdrawRequest(job);
  v1::JobStatus status = DescribeJob(job.environment(), record ? job.Look() : snapshot);
  if (record) status.set_state(JobState::CANCELED);  // also where this user has no place for records
  return status;
}

Status RequestEnd(const JobHandle& job) {
  // Its existence is the request, so several processes may make it at once.
  DEIT_ASSIGN_OR_RETURN(const auto request, job.environment().fs->OpenForWrite(job.environment().state_folder.CancelRequest(job.id())));
  return request->Close();
}

Status TimedOut(const JobHandle& job, const JobSnapshot& snapshot, absl::Duration timeout) {
  const Status late =
      absl::DeadlineExceededError(absl::StrCat("cancel: ", job.Title(), ": ", DurationText(timeout), " after it was asked to end still ",
                                               StateText(snapshot.health.state, snapshot.health.reason)));
  return WithHint(late, absl::StrCat("it ends when its step is done; deit-coord wait ", job.Argument()));
}

}  // namespace

Status CheckCancel(const JobHandle& job, const JobSnapshot& snapshot) {
  if (snapshot.over() || StopReceiver(snapshot) != nullptr) return absl::OkStatus();
  const v1::ProcessIdentity& owner = snapshot.observation.record.owner();
  const bool here = process::OnThisMachine(owner);  // but in another pid namespace
  const std::string where = here ? "where its processes cannot be reached from here: in another container?" : "on " + owner.host();
  return WithHint(absl::FailedPreconditionError(absl::StrCat("cancel: ", job.Title(), ": runs ", where)),
                  absl::StrCat(here ? "in that container" : "on that host", ": deit-coord cancel ", job.Argument()));
}

StatusOr<v1::JobStatus> CancelJob(JobHandle& job, absl::Duration timeout, Pause pause) {
  Clock& clock = *job.environment().clock;
  JobSnapshot snapshot = job.Look();
  if (!snapshot.over()) DEIT_RETURN_IF_ERROR(RequestEnd(job));
  const absl::Duration start = clock.Elapsed();
  int64_t signaled = 0;
  for (;; snapshot = job.Look()) {
    const CancelDecision decision = DecideCancel(snapshot, signaled, clock.Elapsed() - start, timeout);
    switch (decision.action) {
      case CancelAction::kSignal:
        DEIT_RETURN_IF_ERROR(AskToStop(snapshot.observation, *decision.receiver));
        signaled = decision.receiver->pid();
        break;
      case CancelAction::kWait:
        if (!pause(kCancelPoll))
          return absl::CancelledError(absl::StrCat(job.Title(), ": was asked to end, and will when its step is done"));
        break;
      case CancelAction::kRecordCanceled:
      case CancelAction::kFinish: return Finish(job, snapshot, decision.action == CancelAction::kRecordCanceled);
      case CancelAction::kTimeOut: return TimedOut(job, snapshot, timeout);
    }
  }
}

}  // namespace deit::api
