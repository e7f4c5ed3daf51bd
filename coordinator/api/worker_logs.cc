#include "coordinator/api/worker_logs.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "common/json/json_file.h"
#include "proto/run.pb.h"

namespace deit::api {
namespace {

Status Copy(files::LineTail& tail, bool ended, int worker, LogStream stream, LogSink& sink) {
  const auto pass_on = [&](absl::string_view line) { sink.Line(worker, stream, line); };
  return ended ? tail.ReadToEnd(pass_on) : tail.Read(pass_on);
}

}  // namespace

std::vector<int> ListWorkers(files::FileSystem& fs, const run::RunFolder& folder, int attempt) {
  const auto names = fs.List(folder.Attempt(attempt));
  std::vector<int> workers;
  if (!names.ok()) return workers;
  for (absl::string_view name : *names) {
    int worker = 0;
    if (absl::ConsumePrefix(&name, "worker_") && absl::SimpleAtoi(name, &worker)) workers.push_back(worker);
  }
  std::sort(workers.begin(), workers.end());
  return workers;
}

std::optional<int> FirstFailedWorker(files::FileSystem& fs, const run::RunFolder& folder, int attempt) {
  v1::Summary summary;
  if (json::ReadJsonFile(fs, folder.Summary(), &summary).ok()) {
    for (const v1::Summary::Attempt& known : summary.attempts()) {
      if (known.attempt() == attempt && known.has_worker()) return known.worker();
    }
  }
  std::optional<int> first;
  double first_time = 0;
  for (const int worker : ListWorkers(fs, folder, attempt)) {
    const auto error = json::ReadAttemptFile<v1::WorkerError>(fs, folder.Error(attempt, worker), attempt);
    if (!error.ok() || (first && first_time <= error->time())) continue;
    first = worker;
    first_time = error->time();
  }
  return first;
}

StatusOr<WorkerLogs::Tails*> WorkerLogs::TailsOf(int worker) {
  const auto known = tails_.find(worker);
  if (known != tails_.end()) return &known->second;
  Tails& tails = tails_[worker];
  if (choice_.out) tails.out.emplace(*fs_, folder_.Stdout(attempt_, worker));
  if (choice_.err) tails.err.emplace(*fs_, folder_.Stderr(attempt_, worker));
  for (std::optional<files::LineTail>* tail : {&tails.out, &tails.err}) {
    if (*tail && choice_.tail) DEIT_RETURN_IF_ERROR((*tail)->SkipTo(*choice_.tail));
  }
  return &tails;
}

Status WorkerLogs::CopyTo(LogSink& sink, bool ended) {
  const std::vector<int> workers = choice_.worker ? std::vector<int>{*choice_.worker} : ListWorkers(*fs_, folder_, attempt_);
  for (const int worker : workers) {
    DEIT_ASSIGN_OR_RETURN(Tails * tails, TailsOf(worker));
    if (tails->out) DEIT_RETURN_IF_ERROR(Copy(*tails->out, ended, worker, LogStream::kOut, sink));
    if (tails->err) DEIT_RETURN_IF_ERROR(Copy(*tails->err, ended, worker, LogStream::kErr, sink));
  }
  choice_.tail.reset();  // a log that comes later is new as a whole
  return absl::OkStatus();
}

}  // namespace deit::api
