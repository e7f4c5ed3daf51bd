#include "worker/train/attempt.h"

#include <random>

#include "absl/strings/str_format.h"
#include "common/base/exit_code.h"
#include "common/base/unix_time.h"
#include "common/process/identity.h"
#include "common/run/run_identity.h"
#include "worker/exchange/agreement.h"

namespace deit::train {
namespace {

files::FileSystem& Fs() { return files::FileSystem::Posix(); }

Status TakeFolder(collective::Communicator& world, const v1::JobSpec& spec, const std::string& spec_digest, const AttemptOptions& options,
                  Attempt* attempt) {
  const job::JobStoreOptions owning{.allow_config_change = options.allow_config_change,
                                    .take_over = false,
                                    .fresh_start = options.fresh_start,
                                    .workers = world.size(),
                                    .workers_min = world.size(),
                                    .workers_max = world.size(),
                                    .init_from_digest = options.init_from_digest};
  DEIT_ASSIGN_OR_RETURN(attempt->owner, job::JobStore::Take(spec, spec_digest, owning));
  attempt->job_id = attempt->owner->job();
  DEIT_ASSIGN_OR_RETURN(attempt->number, attempt->owner->BeginAttempt());
  return absl::OkStatus();
}

// The owner has read the same job file; if it came to another job, something changed in between.
Status CheckFolder(const std::string& spec_digest, Attempt* attempt) {
  const auto identity = run::ReadIdentity(Fs(), attempt->folder);
  if (!identity.ok()) return WithExitCode(identity.status(), ExitCode::kRunFolder);
  if (identity->spec_digest() != spec_digest) {
    return WithExitCode(absl::FailedPreconditionError(absl::StrCat("run_dir: ", attempt->folder.path(), ": its spec digest is ",
                                                                   identity->spec_digest(), ", the workers' is ", spec_digest,
                                                                   ": the data or the weights changed, or the programs differ")),
                        ExitCode::kRunFolder);
  }
  attempt->job_id = identity->job();
  return absl::OkStatus();
}

// Collective, under a bare launch: the owner learns who the workers are, and its record names them. Under deit-coord run they introduce
// themselves.
Status RecordWorkers(collective::Communicator& world, collective::Deadline deadline, job::JobStore* owner) {
  const v1::ProcessIdentity self = process::Self();
  DEIT_ASSIGN_OR_RETURN(const auto pids, exchange::ShareNumbers(world, deadline, static_cast<uint64_t>(self.pid()), "naming processes"));
  DEIT_ASSIGN_OR_RETURN(const auto start_times, exchange::ShareNumbers(world, deadline, self.start_time(), "naming processes"));
  if (owner == nullptr) return absl::OkStatus();
  for (size_t w = 0; w < pids.size(); ++w) {
    v1::WorkerRecord* worker = owner->record().add_workers();
    worker->set_worker(static_cast<int>(w));
    worker->set_rank(world.launch_ranks()[w]);
    worker->set_phase("start");
    worker->set_heard(UnixSeconds(absl::Now()));
    v1::ProcessIdentity* process = worker->mutable_process();
    process->set_host(world.hosts()[w]);
    if (process->host() == self.host()) {  // processes of another machine are not judged by these
      process->set_boot_id(self.boot_id());
      process->set_pid_namespace(self.pid_namespace());
    }
    process->set_pid(static_cast<int64_t>(pids[w]));
    process->set_start_time(start_times[w]);
  }
  owner->Publish();
  return absl::OkStatus();
}

}  // namespace

StatusOr<Attempt> OpenAttempt(collective::Communicator& world, collective::Deadline deadline, const v1::JobSpec& spec,
                              const std::string& spec_digest, const AttemptOptions& options,
                              const control::WorkerProgress& worker_progress) {
  Attempt attempt{run::RunFolder(spec.run_dir()), options.number.value_or(1), "", "", nullptr, std::nullopt, nullptr};
  const bool first = world.rank() == 0;
  Status opened;
  if (first) opened = options.number ? CheckFolder(spec_digest, &attempt) : TakeFolder(world, spec, spec_digest, options, &attempt);
  DEIT_RETURN_IF_ERROR(exchange::Agree(world, deadline, opened, "opening the run folder"));
  // A nonce only has to differ between attempts; no result depends on it.
  std::random_device entropy;
  const uint64_t drawn = static_cast<uint64_t>(entropy()) << 32 | entropy();
  DEIT_ASSIGN_OR_RETURN(const auto nonces, exchange::ShareNumbers(world, deadline, drawn, "naming the attempt"));
  DEIT_ASSIGN_OR_RETURN(const auto numbers,
                        exchange::ShareNumbers(world, deadline, static_cast<uint64_t>(attempt.number), "naming the attempt"));
  const uint64_t id = first ? std::stoull(attempt.job_id, nullptr, 16) : 0;
  DEIT_ASSIGN_OR_RETURN(const auto ids, exchange::ShareNumbers(world, deadline, id, "naming the attempt"));
  attempt.number = static_cast<int>(numbers[0]);
  attempt.nonce = absl::StrFormat("%d-%016x", attempt.number, nonces[0]);
  attempt.job_id = absl::StrFormat("%08x", ids[0]);
  auto lock = job::AttemptLock::Hold(attempt.folder, attempt.job_id, attempt.number);
  DEIT_RETURN_IF_ERROR(exchange::Agree(world, deadline, lock.status(), "locking the attempt"));
  attempt.lock = *std::move(lock);
  if (!options.number) DEIT_RETURN_IF_ERROR(RecordWorkers(world, deadline, attempt.owner.get()));
  DEIT_RETURN_IF_ERROR(
      exchange::Agree(world, deadline, run::MakeWorkerFolder(Fs(), attempt.folder, attempt.number, world.rank()), "making log folders"));
  if (first) attempt.keeper = std::make_unique<RecordKeeper>(attempt.owner.get(), &worker_progress);
  return attempt;
}

}  // namespace deit::train
