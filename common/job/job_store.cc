#include "common/job/job_store.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/base/unix_time.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/files/inode.h"
#include "common/files/operations.h"
#include "common/job/attempt_lock.h"
#include "common/job/job_record.h"
#include "common/job/owner_lock.h"
#include "common/json/json_file.h"
#include "common/process/identity.h"
#include "common/spec/load.h"
#include "common/spec/spec_digest.h"

namespace deit::job {
namespace {

constexpr absl::Duration kKeep = absl::Seconds(5);
constexpr absl::Duration kEnding = absl::Seconds(5);  // for an attempt's last processes on their way out
constexpr absl::Duration kNap = absl::Milliseconds(20);

files::FileSystem& Fs() { return files::FileSystem::Posix(); }

// What differs between the job that was here and this one, RESULT fields only.
std::string FieldDiff(const run::RunFolder& folder, const v1::JobSpec& spec) {
  const auto before = spec::LoadSpec(folder.Config(), {});
  if (!before.ok()) return absl::StrCat(folder.Config(), ": cannot be read, so no fields can be compared");
  std::vector<std::string> lines;
  for (const auto& difference : spec::DiffSpecs(*before, spec)) {
    if (difference.effect == v1::RESULT) lines.push_back(spec::ToString(difference));
  }
  return absl::StrJoin(lines, "\n");
}

// Checkpoints count steps; with another value of these fields the same step number refers to other positions of the data, and whole epochs of
// views would be left out or shown twice.
Status CheckPositions(const run::RunFolder& folder, const v1::JobSpec& spec) {
  constexpr std::array<absl::string_view, 5> kFields = {"augment.repeated_aug", "data.labelled", "data.max_images", "train.batch_size",
                                                        "train.drop_last"};
  const auto before = spec::LoadSpec(folder.Config(), {});
  if (!before.ok()) return absl::OkStatus();
  for (const auto& difference : spec::DiffSpecs(*before, spec)) {
    if (std::find(kFields.begin(), kFields.end(), difference.path) == kFields.end()) continue;
    Status status = absl::FailedPreconditionError(absl::StrCat("run_dir: ", folder.path(), ": ", spec::ToString(difference),
                                                               ": the steps of its checkpoints would be other positions of the data"));
    status = WithHint(std::move(status), "choose another run_dir (model.init_from goes on from a checkpoint's weights), or --resume=never");
    return WithExitCode(std::move(status), ExitCode::kRunFolder);
  }
  return absl::OkStatus();
}

// Checkpoints of an earlier training must neither be resumed from nor occupy the place of new ones. Nothing is deleted.
Status PutCheckpointsAside(const run::RunFolder& folder) {
  const std::string here = folder.Checkpoints();
  DEIT_ASSIGN_OR_RETURN(const std::vector<std::string> sets, Fs().List(here));
  if (sets.empty()) return absl::OkStatus();
  DEIT_ASSIGN_OR_RETURN(const int last, run::LastAttempt(Fs(), folder));
  const std::string aside = absl::StrCat(here, "_before_attempt_", last + 1);
  DEIT_RETURN_IF_ERROR(files::RenameDurably(Fs(), here, aside));
  LogInfo(absl::StrCat("starting fresh: moved existing checkpoints to ", aside));
  return files::CreateFolders(Fs(), here);
}

// A second look where the first found an attempt's last processes on their way out.
FolderLook LookUntilSettled(const run::RunFolder& folder) {
  const absl::Duration end = Clock::System().Elapsed() + kEnding;
  for (;;) {
    FolderLook look = LookAtFolder(Fs(), folder);
    if (!IsEnding(look) || Clock::System().Elapsed() >= end) return look;
    Clock::System().Sleep(kNap);
  }
}

v1::Event::Reason EventOf(v1::JobState::Value end) {
  switch (end) {
    case v1::JobState::SUCCEEDED: return v1::Event::JobSucceeded;
    case v1::JobState::STOPPED: return v1::Event::JobStopped;
    case v1::JobState::CANCELED: return v1::Event::JobCanceled;
    default: return v1::Event::JobFailed;
  }
}

}  // namespace

StatusOr<std::unique_ptr<JobStore>> JobStore::Take(const v1::JobSpec& spec, const std::string& spec_digest,
                                                   const JobStoreOptions& options) {
  const run::RunFolder folder(spec.run_dir());
  const FolderLook look = LookUntilSettled(folder);  // before the lock is taken: it may be all that tells whether an owner lives
  DEIT_RETURN_IF_ERROR(run::MakeRunFolder(Fs(), folder));
  DEIT_ASSIGN_OR_RETURN(files::FileLock lock, LockOwner(folder));
  DEIT_ASSIGN_OR_RETURN(ClaimDecision decision,
                        DecideClaim(folder, look, {spec_digest, options.take_over, options.fresh_start}, UnixSeconds(absl::Now())));
  const auto before = spec::LoadSpec(folder.Config(), {});
  auto owner = std::unique_ptr<JobStore>(new JobStore(folder, std::move(lock)));
  DEIT_ASSIGN_OR_RETURN(const bool holds_results, checkpoint::WasSaved(Fs(), folder.Checkpoints()));
  const bool goes_on = holds_results && !options.fresh_start;
  if (goes_on && options.allow_config_change) DEIT_RETURN_IF_ERROR(CheckPositions(folder, spec));
  const run::IdentityRequest request{spec_digest, options.allow_config_change || !holds_results, options.init_from_digest};
  DEIT_ASSIGN_OR_RETURN(owner->identity_, run::ClaimIdentity(Fs(), folder, request, [&] { return FieldDiff(folder, spec); }));
  if (options.fresh_start) DEIT_RETURN_IF_ERROR(WithExitCode(PutCheckpointsAside(folder), ExitCode::kRunFolder));
  DEIT_RETURN_IF_ERROR(WithExitCode(files::WriteFileAtomically(Fs(), folder.Config(), spec::SpecText(spec)), ExitCode::kRunFolder));
  auto events = run::EventLog::Open(folder.Events(), Clock::System());
  if (!events.ok()) return WithExitCode(events.status(), ExitCode::kRunFolder);
  owner->events_ = *std::move(events);
  owner->summary_ = run::ReadSummary(Fs(), folder.Summary());
  owner->summary_.set_spec_digest(spec_digest);
  owner->BeginRecord(spec, options);
  DEIT_ASSIGN_OR_RETURN(owner->job_file_, files::InodeOf(folder.Job()));
  if (decision.inherited) owner->Inherit(before.ok() ? *before : spec, spec, std::move(decision), options);
  if (owner->identity_.config_changed) {
    owner->Event(v1::Event::ConfigChanged, "RESULT fields differ from those that the run folder had");
  }
  return owner;
}

// A living attempt goes on as it was started. One that has ended is concluded, unless its end is none for a job of more steps.
void JobStore::Inherit(const v1::JobSpec& before, const v1::JobSpec& spec, ClaimDecision decision, const JobStoreOptions& options) {
  v1::JobRecord& attempt = *decision.inherited;
  const int number = attempt.attempt();
  const bool same_length = before.train().max_steps() == spec.train().max_steps() && before.train().epochs() == spec.train().epochs();
  if (decision.attempt_lives && spec::SpecText(before) != spec::SpecText(spec)) {
    LogWarning(absl::StrCat("attempt ", number,
                            " goes on with the settings that it was started with; changed ones count from the next attempt on"));
  }
  const auto result = json::ReadAttemptFile<v1::AttemptResult>(Fs(), folder_.Result(number), number);
  if (!decision.attempt_lives && !same_length && result.ok() && result->exit_code() == static_cast<int>(ExitCode::kDone)) {
    ResumeAttempt(number);
    return Ended(*result);
  }
  if (attempt.workers_wanted() == 0) attempt.set_workers_wanted(options.workers);  // its record was lost
  inherited_ = std::move(attempt);
}

Status JobStore::CheckFolder() const {
  const auto inode = files::InodeOf(folder_.Job());
  const bool gone = inode.ok() ? *inode != job_file_ : absl::IsNotFound(inode.status());
  if (!gone) return absl::OkStatus();  // what cannot be looked at may be there
  const Status moved =
      absl::FailedPreconditionError(absl::StrCat("run_dir: ", folder_.path(), ": was moved or removed while its job runs"));
  return WithHint(WithExitCode(moved, ExitCode::kRunFolder), "run the job again where the folder is now");
}

// A machine without a place for records trains all the same; only `deit-coord status` does not know of it.
void JobStore::BeginRecord(const v1::JobSpec& spec, const JobStoreOptions& options) {
  auto state = StateFolder::FromEnvironment();
  const Status made = state.ok() ? MakeStateFolder(*state) : state.status();
  if (made.ok()) {
    state_folder_ = *std::move(state);
    json::ReadJsonFile(Fs(), state_folder_->Record(job()), &record_).IgnoreError();  // of the owner before
    Fs().Remove(state_folder_->CancelRequest(job())).IgnoreError();                  // it was for that one
    Check(PruneJobRecords(Fs(), *state_folder_, job()).status());
  } else {
    LogWarning(absl::StrCat(made.message(), ": deit-coord status will not show this job"));
  }
  record_.set_job(job());
  record_.set_name(spec.name());
  record_.set_run_dir(folder_.path());
  record_.set_spec_digest(summary_.spec_digest());
  *record_.mutable_owner() = process::Self();
  record_.set_workers_wanted(options.workers);
  record_.set_workers_min(options.workers_min);
  record_.set_workers_max(options.workers_max);
  record_.set_max_restarts(spec.fault().max_restarts());
  // An owner that takes over goes on with the life of its predecessor.
  const bool goes_on = options.take_over && record_.first_attempt() > 0 && !run::IsEnd(record_.state());
  if (!goes_on) record_.set_first_attempt(run::LastAttempt(Fs(), folder_).value_or(0) + 1);
  if (record_.created() == 0) record_.set_created(UnixSeconds(absl::Now()));
}

bool JobStore::CancelRequested() const { return state_folder_ && files::Exists(Fs(), state_folder_->CancelRequest(job())).value_or(false); }

StatusOr<int> JobStore::BeginAttempt() {
  // Held until the next attempt's folder is there, which a late worker of the one before sees.
  DEIT_ASSIGN_OR_RETURN(const int last, run::LastAttempt(Fs(), folder_));
  DEIT_ASSIGN_OR_RETURN(const auto ended, LockEndedAttempt(folder_, job(), last, kEnding));
  DEIT_ASSIGN_OR_RETURN(const int attempt, run::StartAttempt(Fs(), folder_));
  run::BeginAttempt({job(), record_.name(), summary_.spec_digest(), attempt, record_.workers_wanted(), absl::Now()}, &summary_);
  WriteSummary();
  record_.set_attempt(attempt);
  record_.set_restarts(run::RestartsSince(record_.first_attempt(), summary_));
  record_.clear_workers();
  CheckpointState(summary_.attempts_size() > 1 && summary_.restarts() > 0 ? v1::JobState::RECOVERING : v1::JobState::STARTING);
  return attempt;
}

void JobStore::ResumeAttempt(int attempt) {
  const bool known = summary_.attempts_size() > 0 && summary_.attempts(summary_.attempts_size() - 1).attempt() == attempt;
  if (!known) {  // the summary was lost
    run::BeginAttempt({job(), record_.name(), summary_.spec_digest(), attempt, record_.workers_wanted(), absl::Now()}, &summary_);
    WriteSummary();
  }
  record_.set_attempt(attempt);
  record_.set_restarts(run::RestartsSince(record_.first_attempt(), summary_));
}

void JobStore::Event(v1::Event::Reason reason, const std::string& message, const run::EventSubject& subject) {
  Check(events_->Record(reason, message, subject));
}

void JobStore::CopyEvent(const v1::Event& event) { Check(events_->Copy(event)); }

void JobStore::Started(const v1::AttemptStart& start) {
  run::ApplyStart(start, &summary_);
  CheckpointState(v1::JobState::RUNNING);
}

void JobStore::Ended(const v1::AttemptResult& result) {
  run::ApplyResult(result, &summary_);
  WriteSummary();
}

void JobStore::Ended(const run::AttemptEnd& end) {
  run::ApplyEnd(end, &summary_);
  WriteSummary();
}

void JobStore::AddRecovery(const v1::Summary::Recovery& recovery) {
  summary_.mutable_attempts(summary_.attempts_size() - 1)->mutable_recovery()->MergeFrom(recovery);
  WriteSummary();
}

void JobStore::CheckpointState(v1::JobState::Value state, const std::string& reason, const std::string& hint) {
  if (summary_.attempts_size() > 0 && summary_.state() != state) {
    summary_.set_state(state);
    WriteSummary();
  }
  record_.set_state(state);
  record_.set_reason(reason);
  record_.set_hint(hint);
  record_.clear_ended();
  if (run::IsEnd(state)) record_.set_ended(UnixSeconds(absl::Now()));
  Publish();
}

void JobStore::End(v1::JobState::Value state, const std::string& message, const std::string& reason, const std::string& hint) {
  Event(EventOf(state), message, {.attempt = record_.attempt(), .step = summary_.steps(), .worker = {}});
  CheckpointState(state, reason, hint);
}

void JobStore::Finish(const Status& status) {
  const ExitCode code = ExitCodeOf(status);
  record_.set_exit_code(static_cast<int>(code));
  const std::string message(status.message());
  auto state = run::StateAfter(code);
  if (state == v1::JobState::SUCCEEDED) return End(state, absl::StrCat("trained ", summary_.steps(), " steps"));
  if (state == v1::JobState::FAILED) return End(state, message, message, HintOf(status));
  End(CancelRequested() ? v1::JobState::CANCELED : state, message);
}

void JobStore::Publish() {
  published_ = Clock::System().Elapsed();
  if (!state_folder_) return;
  record_.set_updated(UnixSeconds(absl::Now()));
  Check(WriteJobRecord(Fs(), *state_folder_, record_));
}

void JobStore::PublishIfStale() {
  if (Clock::System().Elapsed() - published_ >= kKeep) Publish();
}

void JobStore::WriteSummary() { Check(run::WriteSummary(Fs(), folder_.Summary(), summary_)); }

void JobStore::Check(const Status& status) {
  if (status.ok() || write_error_logged_) return;
  write_error_logged_ = true;
  LogWarning(absl::StrCat("the job's files do not take everything: ", status.message()));
}

}  // namespace deit::job
