#include "coordinator/supervise/live_attempt.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/log.h"
#include "common/base/unix_time.h"
#include "common/json/json_file.h"
#include "common/process/identity.h"
#include "coordinator/supervise/failure_report.h"

namespace deit::supervise {
namespace {

constexpr absl::Duration kGap = absl::Milliseconds(500);  // between two steps of an owner that was not kept from running
constexpr uint64_t kNoticeLines = 500;

absl::Duration Elapsed() { return Clock::System().Elapsed(); }
double UnixNow() { return UnixSeconds(absl::Now()); }

}  // namespace

LiveAttempt::LiveAttempt(const run::RunFolder& folder, int number, int workers, AttemptProcess process)
    : folder_(folder), number_(number), process_(std::move(process)), records_(static_cast<size_t>(workers)),
      closed_(static_cast<size_t>(workers)), died_(static_cast<size_t>(workers)), loaded_(static_cast<size_t>(workers)),
      last_step_(Elapsed()) {
  watch_.began = watch_.progressed = last_step_;
  watch_.workers.resize(records_.size());
  for (size_t k = 0; k < records_.size(); ++k) records_[k].set_worker(static_cast<int>(k));
}

LiveAttempt LiveAttempt::Launched(const run::RunFolder& folder, int attempt, int workers, AttemptProcess process) {
  return LiveAttempt(folder, attempt, workers, std::move(process));
}

LiveAttempt LiveAttempt::TakenOver(const run::RunFolder& folder, const v1::JobRecord& record, AttemptProcess process) {
  LiveAttempt attempt(folder, record.attempt(), record.workers_wanted(), std::move(process));
  for (const v1::WorkerRecord& worker : record.workers()) {
    const auto k = static_cast<size_t>(worker.worker());
    if (k >= attempt.records_.size() || !worker.has_process()) continue;
    attempt.records_[k] = worker;
    attempt.watch_.workers[k].spoke = true;
    attempt.watch_.workers[k].heard = attempt.last_step_;
  }
  return attempt;
}

void LiveAttempt::OnHello(int64_t connection, const v1::Hello& hello) {
  if (hello.worker() < 0 || hello.worker() >= workers()) return;
  const auto k = static_cast<size_t>(hello.worker());
  worker_of_[connection] = hello.worker();
  closed_[k] = 0;
  *records_[k].mutable_process() = hello.process();
  records_[k].set_heard(UnixNow());
  watch_.workers[k].spoke = true;
  watch_.workers[k].heard = Elapsed();
  const bool all = std::all_of(watch_.workers.begin(), watch_.workers.end(), [](const WorkerWatch& worker) { return worker.spoke; });
  if (all && spoken_ == 0) spoken_ = UnixNow();
}

void LiveAttempt::OnHeartbeat(int64_t connection, const v1::Heartbeat& heartbeat) {
  const auto it = worker_of_.find(connection);
  if (it == worker_of_.end()) return;
  const auto k = static_cast<size_t>(it->second);
  Hear(Elapsed(), heartbeat, k, &watch_);
  records_[k].set_step(heartbeat.step());
  records_[k].set_phase(heartbeat.phase());
  records_[k].set_heard(UnixNow());
  if (heartbeat.has_loaded()) loaded_[k] = heartbeat.loaded();
  if (heartbeat.has_first_done()) first_done_ = std::max(first_done_, heartbeat.first_done());
}

void LiveAttempt::OnLeaving(int64_t connection) {
  const auto it = worker_of_.find(connection);
  if (it != worker_of_.end()) watch_.workers[static_cast<size_t>(it->second)].left = true;
}

void LiveAttempt::OnClosed(int64_t connection) {
  const auto it = worker_of_.find(connection);
  if (it == worker_of_.end()) return;
  closed_[static_cast<size_t>(it->second)] = UnixNow();
  worker_of_.erase(it);
}

void LiveAttempt::LookForDead(absl::Duration now) {
  for (size_t k = 0; k < records_.size(); ++k) {
    const bool connected =
        std::any_of(worker_of_.begin(), worker_of_.end(), [&](const auto& entry) { return entry.second == static_cast<int>(k); });
    if (connected || died_[k] > 0 || !records_[k].has_process()) continue;
    if (process::LifeOf(records_[k].process()) != process::Life::kDead) continue;
    died_[k] = closed_[k] > 0 ? closed_[k] : UnixNow();
    if (!watch_.workers[k].left) watch_.workers[k].died = now;
  }
}

void LiveAttempt::Step(const WatchLimits& limits, Wish wish, const SendStop& send_stop) {
  const absl::Duration now = Elapsed(), gap = now - last_step_;
  last_step_ = now;
  if (gap > kGap) Forgive(gap, &watch_);
  LookForDead(now);
  const bool died =
      std::any_of(watch_.workers.begin(), watch_.workers.end(), [&](const WorkerWatch& worker) { return worker.died <= now; });
  if (died && noticed_ == 0) noticed_ = UnixNow();
  const WatchDecision decision = Watch(now, watch_, limits, wish);
  switch (decision.action) {
    case WatchDecision::Action::kNone: return;
    case WatchDecision::Action::kStop: {
      watch_.stop_sent = true;
      watch_.stop_sent_at = now;
      return Stop(send_stop);
    }
    case WatchDecision::Action::kKill: return Kill(decision);
  }
}

// One worker that is told is enough: all agree in the next step. By signal only where none is connected.
void LiveAttempt::Stop(const SendStop& send_stop) {
  bool told = false;
  for (const auto& [connection, worker] : worker_of_) told = send_stop(connection).ok() || told;
  const Status stopped = told ? absl::OkStatus() : process_.Stop();
  if (!stopped.ok()) LogWarning(absl::StrCat("attempt ", number_, ": cannot be asked to stop: ", stopped.message()));
}

void LiveAttempt::Kill(const WatchDecision& decision) {
  verdict_ = decision;
  watch_.kill_sent = true;
  stopped_ = process::IsStopped(records_[static_cast<size_t>(decision.worker)].process());
  if (decision.verdict == Verdict::kNotStarted) {  // those that run wait for the one that does not, and have not spoken either
    if (const auto worker = process_.StoppedWorker(); worker && *worker < workers()) verdict_.worker = *worker, stopped_ = true;
  }
  if (noticed_ == 0) noticed_ = UnixNow();
  process_.Kill(Processes());
}

std::vector<v1::ProcessIdentity> LiveAttempt::Processes() const {
  std::vector<v1::ProcessIdentity> processes;
  for (const v1::WorkerRecord& record : records_) {
    if (record.has_process()) processes.push_back(record.process());
  }
  return processes;
}

bool LiveAttempt::Ended() {
  if (process_.Lives(Processes())) return false;
  if (noticed_ == 0) noticed_ = UnixNow();
  return true;
}

Evidence LiveAttempt::Gather() const {
  auto& fs = files::FileSystem::Posix();
  Evidence evidence;
  evidence.verdict = verdict_.verdict;
  evidence.verdict_worker = verdict_.worker;
  evidence.verdict_seconds = absl::ToDoubleSeconds(verdict_.waited);
  evidence.verdict_stopped = stopped_;
  evidence.exit = process_.Exit();
  evidence.launcher_stderr = absl::StrJoin(LastLines(folder_.LauncherStderr(number_), kNoticeLines), "\n");
  for (size_t k = 0; k < records_.size(); ++k) {
    WorkerEvidence worker;
    worker.worker = static_cast<int>(k);
    worker.host = records_[k].has_process() ? records_[k].process().host() : process::Self().host();  // the launch is on this machine
    worker.spoke = records_[k].has_process();
    worker.left = watch_.workers[k].left;
    if (died_[k] > 0) worker.closed = died_[k];
    worker.step = records_[k].step();
    worker.phase = records_[k].phase();
    const auto error = json::ReadAttemptFile<v1::WorkerError>(fs, folder_.Error(number_, worker.worker), number_);
    if (error.ok()) worker.error = *error;
    evidence.workers.push_back(worker);
  }
  const auto result = json::ReadAttemptFile<v1::AttemptResult>(fs, folder_.Result(number_), number_);
  if (result.ok()) evidence.result = *result;
  return evidence;
}

bool LiveAttempt::waiting() const {
  const absl::Duration now = Elapsed();
  const bool died =
      std::any_of(watch_.workers.begin(), watch_.workers.end(), [&](const WorkerWatch& worker) { return worker.died <= now; });
  return died || watch_.kill_sent || watch_.stop_sent || worker_of_.size() < records_.size();
}

std::string LiveAttempt::Doings() const {
  std::vector<std::string> doings;
  for (const v1::WorkerRecord& record : records_) {
    if (!record.has_process()) doings.push_back(absl::StrCat("worker ", record.worker(), ": had not spoken"));
    else doings.push_back(absl::StrCat("worker ", record.worker(), ": step ", record.step(), ", phase ", record.phase()));
  }
  return absl::StrJoin(doings, "; ");
}

double LiveAttempt::failed() const {
  double first = noticed_;
  if (verdict_.verdict == Verdict::kSilent) first = noticed_ - absl::ToDoubleSeconds(verdict_.waited);
  for (const double died : died_) {
    if (died > 0) first = std::min(first, died);
  }
  if (const auto exit = process_.Exit()) first = std::min(first, exit->time());
  return first;
}

void LiveAttempt::FillBeginning(RecoveryTimeline* timeline) const {
  timeline->spoken = spoken_;
  timeline->loaded = *std::min_element(loaded_.begin(), loaded_.end()) > 0 ? *std::max_element(loaded_.begin(), loaded_.end()) : 0;
  timeline->first_done = first_done_;
}

}  // namespace deit::supervise
