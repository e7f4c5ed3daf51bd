#include "coordinator/api/logs.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/process/identity.h"

namespace deit::api {
namespace {

constexpr absl::Duration kLogsPoll = absl::Milliseconds(200);
constexpr absl::Duration kLastMessages = absl::Seconds(5);

// The logs of an attempt: of the chosen worker, else of the one that failed, else of worker 0.
WorkerLogs Open(const JobHandle& job, int attempt, const LogRequest& request, LogSink& sink) {
  files::FileSystem& fs = *job.environment().fs;
  const run::RunFolder folder(job.run_dir());
  LogChoice choice = request.choice;
  if (!request.worker_given) {
    const std::optional<int> failed = FirstFailedWorker(fs, folder, attempt);
    if (failed) sink.Notice(absl::StrCat("attempt ", attempt, ": worker ", *failed, " failed first; --worker=all shows all"));
    choice.worker = failed.value_or(0);
  }
  return WorkerLogs(fs, folder, attempt, choice);
}

Status CheckHasLog(const JobHandle& job, int attempt, const LogRequest& request) {
  files::FileSystem& fs = *job.environment().fs;
  const run::RunFolder folder(job.run_dir());
  const std::string where = absl::StrCat(job.Title(), ": attempt ", attempt);
  if (attempt == 0 || !fs.Stat(folder.Attempt(attempt)).ok()) {
    return absl::NotFoundError(absl::StrCat(attempt == 0 ? job.Title() : where, ": there is no such attempt"));
  }
  const std::vector<int> workers = ListWorkers(fs, folder, attempt);
  if (workers.empty()) {
    const Status status = absl::NotFoundError(absl::StrCat(where, ": none of its workers came so far as to write a log"));
    return fs.Stat(folder.LauncherStderr(attempt)).ok() ? WithHint(status, "see " + folder.LauncherStderr(attempt)) : status;
  }
  const std::optional<int> worker = request.choice.worker;
  if (!worker || std::find(workers.begin(), workers.end(), *worker) != workers.end()) return absl::OkStatus();
  return WithHint(absl::NotFoundError(absl::StrCat(where, ": worker ", *worker, ": has no log")),
                  absl::StrCat("its workers: ", absl::StrJoin(workers, ", ")));
}

int NewestAttempt(const JobHandle& job) { return run::LastAttempt(*job.environment().fs, run::RunFolder(job.run_dir())).value_or(0); }

// Tells when no log grows any more: a worker writes its last messages after its job's end is recorded, but does not live long after that.
class EndOfWriting {
 public:
  explicit EndOfWriting(Clock& clock) : clock_(clock) {}

  bool Reached(const JobSnapshot& snapshot) {
    if (!snapshot.over()) return false;
    const absl::Duration now = clock_.Elapsed();
    if (!over_since_) over_since_ = now;
    const auto& workers = snapshot.observation.record.workers();
    const bool gone = std::none_of(workers.begin(), workers.end(), [](const v1::WorkerRecord& worker) {
      return process::LifeOf(worker.process()) == process::Life::kAlive;
    });
    return gone || now - *over_since_ > kLastMessages;
  }

 private:
  Clock& clock_;
  std::optional<absl::Duration> over_since_;
};

}  // namespace

Status ShowLogs(JobHandle& job, const LogRequest& request, LogSink& sink) {
  const int attempt = request.attempt.value_or(NewestAttempt(job));
  DEIT_RETURN_IF_ERROR(CheckHasLog(job, attempt, request));
  return Open(job, attempt, request, sink).CopyTo(sink, true);
}

StatusOr<v1::JobStatus> FollowLogs(JobHandle& job, LogRequest request, LogSink& sink, Pause pause) {
  std::optional<WorkerLogs> logs;
  EndOfWriting end_of_writing(*job.environment().clock);
  do {
    // In this order: whatever was written before the end was seen is passed on.
    const JobSnapshot snapshot = job.Look();
    const int newest = NewestAttempt(job);
    if (!logs && newest > 0) logs = Open(job, request.attempt.value_or(newest), request, sink);
    const bool attempt_ended = logs && newest > logs->attempt();
    const bool over = end_of_writing.Reached(snapshot);
    if (logs) DEIT_RETURN_IF_ERROR(logs->CopyTo(sink, over || attempt_ended));
    if (attempt_ended && !request.attempt) {
      sink.Notice(absl::StrCat(job.Title(), ": attempt ", logs->attempt() + 1));
      request.choice.tail.reset();
      logs = Open(job, logs->attempt() + 1, request, sink);
    } else if (over || attempt_ended) {
      if (over) sink.Notice(absl::StrCat(job.Title(), ": ", StateText(snapshot.health.state, snapshot.health.reason)));
      return DescribeJob(job.environment(), snapshot);
    }
  } while (pause(kLogsPoll));
  return absl::CancelledError(absl::StrCat("logs: ", job.Title(), ": interrupted"));
}

}  // namespace deit::api
