// `deit-coord cancel JOB`: a job saves and ends for good.
#include <csignal>
#include <cstdio>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/numbers.h"
#include "common/files/operations.h"
#include "common/job/job_store.h"
#include "common/json/json_file.h"
#include "common/process/identity.h"
#include "common/run/run_identity.h"
#include "common/spec/load.h"
#include "coordinator/cli/confirm.h"
#include "coordinator/cli/interruption.h"
#include "coordinator/cli/known_job.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

using process::Life;
using v1::JobState;

constexpr char kUsualTimeout[] = "60";
constexpr absl::Duration kCancelPoll = absl::Milliseconds(100);

// Who makes the job stop: its owner; while none lives, who keeps its attempt.
const v1::ProcessIdentity* Receiver(const job::Observation& seen) {
  if (seen.signs.owner == Life::kAlive) return &seen.record.owner();
  if (seen.signs.guardian == Life::kAlive) return &seen.record.guardian();
  for (size_t i = 0; i < seen.signs.workers.size(); ++i) {
    if (seen.signs.workers[i] == Life::kAlive) return &seen.record.workers(static_cast<int>(i)).process();
  }
  return nullptr;
}

Status AskToStop(const v1::ProcessIdentity& receiver) {
  const Status sent = process::Signal(receiver, SIGUSR1);
  return absl::IsNotFound(sent) ? absl::OkStatus() : sent;  // it has ended meanwhile, and that will be seen
}

// The job is over, but its owner did not live to record the cancellation: for a moment this process is its owner.
Status RecordCancellation(const KnownJob& job, const JobSnapshot& look) {
  const run::RunFolder folder(job.run_dir());
  DEIT_ASSIGN_OR_RETURN(const v1::RunIdentity identity, run::ReadIdentity(files::FileSystem::Posix(), folder));
  DEIT_ASSIGN_OR_RETURN(v1::JobSpec spec, spec::LoadSpec(folder.Config(), {}));
  spec.set_run_dir(job.run_dir());
  const v1::JobRecord& record = look.seen.record;
  job::JobStoreOptions options{.take_over = true};
  options.workers = record.workers_wanted();
  options.workers_min = record.workers_min();
  options.workers_max = record.workers_max();
  DEIT_ASSIGN_OR_RETURN(const auto owner, job::JobStore::Take(spec, identity.spec_digest(), options));
  owner->ResumeAttempt(record.attempt());
  const auto start = json::ReadAttemptFile<v1::AttemptStart>(files::FileSystem::Posix(), folder.Start(record.attempt()), record.attempt());
  if (start.ok()) owner->Started(*start);
  if (look.seen.signs.result) owner->Ended(*look.seen.signs.result);
  owner->End(JobState::CANCELED, "canceled while no owner lived");
  return absl::OkStatus();
}

StatusOr<VerbExit> SayHowItEnded(KnownJob& job, const JobSnapshot& look) {
  const JobState::Value state = look.health.state;
  const bool recorded = look.seen.record.has_ended();
  if (state == JobState::STOPPED || (state == JobState::CANCELED && !recorded)) {
    DEIT_RETURN_IF_ERROR(
        Annotate(RecordCancellation(job, look), absl::StrCat(job.Title(), ": saved and stopped, but not recorded as canceled")));
  }
  files::FileSystem::Posix().Remove(job.state_folder().CancelRequest(job.id())).IgnoreError();
  switch (state) {
    case JobState::STOPPED:
    case JobState::CANCELED: std::puts(absl::StrCat(job.Title(), ": canceled; everything is saved").c_str()); return VerbExit::kDone;
    case JobState::SUCCEEDED:
      std::puts(absl::StrCat(job.Title(), ": was through before it could be canceled").c_str());
      return VerbExit::kDone;
    default: break;
  }
  return WithVerbExit(absl::AbortedError(absl::StrCat(job.Title(), ": failed instead of saving: ", StateText(look.health))),
                      VerbExit::kFailed);
}

StatusOr<VerbExit> Cancel(KnownJob& job, absl::Duration timeout) {
  CatchInterrupts();
  DEIT_RETURN_IF_ERROR(files::WriteFileAtomically(files::FileSystem::Posix(), job.state_folder().CancelRequest(job.id()), ""));
  const absl::Duration start = Clock::System().Elapsed();
  int64_t asked = 0;  // pid of who was asked last
  for (;;) {
    const JobSnapshot look = job.Look();
    if (look.over()) return SayHowItEnded(job, look);
    const v1::ProcessIdentity* receiver = Receiver(look.seen);
    if (receiver != nullptr && receiver->pid() != asked) {  // an owner that died passes nothing on
      DEIT_RETURN_IF_ERROR(AskToStop(*receiver));
      asked = receiver->pid();
    }
    if (Clock::System().Elapsed() - start >= timeout) {
      const Status late = absl::DeadlineExceededError(
          absl::StrCat("cancel: ", job.Title(), ": ", DurationText(timeout), " after it was asked to end still ", StateText(look.health)));
      return WithHint(late, absl::StrCat("it ends when its step is done; deit-coord wait ", job.id()));
    }
    if (!SleepUnlessInterrupted(kCancelPoll)) {
      LogInfo(absl::StrCat(job.Title(), ": was asked to end, and will when its step is done"));
      return VerbExit::kInterrupted;
    }
  }
}

StatusOr<VerbExit> RunCancel(const Arguments& arguments) {
  DEIT_ASSIGN_OR_RETURN(const absl::Duration timeout, ParseSeconds("timeout", arguments.Value("timeout").value_or(kUsualTimeout)));
  DEIT_ASSIGN_OR_RETURN(KnownJob job, KnownJob::Find("cancel", arguments));
  const JobSnapshot look = job.Look();
  if (look.over()) {
    std::puts(absl::StrCat(job.Title(), ": is over already: ", StateText(look.health)).c_str());
    return VerbExit::kDone;
  }
  if (Receiver(look.seen) == nullptr) {
    return WithHint(absl::FailedPreconditionError(absl::StrCat("cancel: ", job.Title(), ": runs on ", look.seen.record.owner().host())),
                    "run deit-coord cancel there");
  }
  DEIT_ASSIGN_OR_RETURN(const bool confirmed,
                        Confirm(arguments, "cancel", absl::StrCat("cancel ", job.Title(), " for good? it saves first")));
  if (!confirmed) return absl::CancelledError("cancel: nothing was done");
  return Cancel(job, timeout);
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
               .help = absl::StrCat("wait at most so long for its end; ", kUsualTimeout, " without it")}},
    .run = RunCancel,
};

}  // namespace deit::cli
