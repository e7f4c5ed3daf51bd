#include "coordinator/job/job_controller.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/unix_time.h"
#include "common/run/error_report.h"
#include "common/spec/limits.h"
#include "coordinator/job/attempt_files.h"
#include "coordinator/job/attempt_log.h"

namespace deit::job {
namespace {

constexpr auto kTick = std::chrono::milliseconds(100);
constexpr auto kBusyTick = std::chrono::milliseconds(10);
constexpr absl::Duration kFollow = absl::Milliseconds(200);  // between two looks at the attempt's files

bool IsPermanent(const Status& status) {
  return absl::IsPermissionDenied(status) || absl::IsNotFound(status) || absl::IsInvalidArgument(status);
}

}  // namespace

JobPolicy PolicyOf(const v1::JobSpec& spec, int workers, const launch::Launcher& launcher) {
  JobPolicy policy;
  policy.workers = workers;
  policy.max_restarts = spec.fault().max_restarts();
  policy.limits.start = absl::Seconds(spec.fault().start_timeout());
  policy.limits.silence = absl::Seconds(spec.fault().silence_timeout());
  policy.limits.stall = spec::OwnersStallLimit(spec.fault());
  policy.limits.phase = absl::Seconds(spec.fault().phase_timeout());
  policy.limits.drain = spec::StopLimit(spec.fault());
  policy.launcher = launcher.name();
  return policy;
}

class JobController::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(boost::asio::io_context& io, const JobEnvironment& environment, JobOptions options, std::function<void(const JobEnd&)> on_end)
      : environment_(environment), store_(environment.store), options_(std::move(options)), on_end_(std::move(on_end)), timer_(io) {}

  Status Start() {
    Status opened = environment_.channel.Open(Handlers());
    if (!opened.ok()) {
      store_.End(v1::JobState::FAILED, std::string(opened.message()), std::string(opened.message()), HintOf(opened));
      return opened;
    }
    const int next = options_.take_over ? options_.take_over->attempt() : std::numeric_limits<int>::max();
    History history = HistoryOf(store_.summary(), store_.record().first_attempt(), next);
    state_ = NewJob(std::move(history), CountSteps(environment_.fs, store_.folder()), Now());
    if (options_.take_over) TakeOver(*options_.take_over);
    else Send(Tick{});
    ScheduleLook();
    return absl::OkStatus();
  }

  void Stop(bool force) {
    WakeUp();
    Send(StopWanted{.force = force, .cancel = store_.CancelRequested()});
  }

  void Look() {
    const auto self = shared_from_this();  // `on_end_` may destroy the controller
    if (handle_) LookAtWorkers();
    Send(Tick{});
    if (handle_ && Now() - followed_ >= kFollow) Follow();
    if (handle_ && !handle_->Alive(Processes())) Conclude();
  }

  void Abandon() {
    if (std::exchange(ended_, true)) return;
    timer_.cancel();
    environment_.channel.Close();
  }

  const JobMachineState& state() const { return state_; }

 private:
  absl::Duration Now() { return environment_.clock.Elapsed(); }

  // Unix seconds as a reading of the monotonic clock, and back.
  absl::Duration Reading(double unix_seconds) {
    return Now() - (environment_.clock.Now() - absl::UnixEpoch() - absl::Seconds(unix_seconds));
  }
  double UnixTime(absl::Duration reading) { return UnixSeconds(environment_.clock.Now() - (Now() - reading)); }

  WorkerChannel::Handlers Handlers() {
    WorkerChannel::Handlers handlers;
    handlers.on_hello = [this](const WorkerHello& hello) { Send(hello); };
    handlers.on_heartbeat = [this](int64_t connection, const v1::Heartbeat& heartbeat) {
      WorkerHeartbeat event{.connection = connection, .heartbeat = heartbeat};
      if (heartbeat.has_loaded()) event.loaded = Reading(heartbeat.loaded());
      if (heartbeat.has_first_done()) event.first_done = Reading(heartbeat.first_done());
      Send(event);
    };
    handlers.on_leaving = [this](const WorkerLeaving& leaving) { Send(leaving); };
    handlers.on_closed = [this](const ConnectionClosed& closed) {
      WakeUp();
      Send(closed);
    };
    handlers.on_rejected = [this](const std::string& cause, int64_t count) {
      environment_.observer.OnWarning(
          absl::StrCat("control channel: ", count, count == 1 ? " connection" : " connections", " refused: ", cause));
      KeepRecord(true);
    };
    return handlers;
  }

  // Actions may lead to events; these wait until the actions before them are done.
  void Send(JobEvent event) {
    const auto self = shared_from_this();  // `on_end_` may destroy the controller
    events_.push_back(std::move(event));
    if (sending_) return;
    sending_ = true;
    while (!events_.empty() && !ended_) {
      const JobEvent next = std::move(events_.front());
      events_.pop_front();
      Transition transition = Advance(std::move(state_), next, options_.policy, Now());
      state_ = std::move(transition.state);
      for (const Action& action : transition.actions) std::visit([this](const auto& one) { Do(one); }, action);
    }
    sending_ = false;
  }

  void TakeOver(const v1::JobRecord& record) {
    const int attempt = record.attempt();
    store_.ResumeAttempt(attempt);
    environment_.channel.Admit(attempt, record.workers_wanted());
    handle_ = environment_.starter.Adopt(store_.folder(), attempt);
    environment_.observer.OnNotice(
        absl::StrCat("job ", store_.job(), " ", store_.record().name(), ": takes attempt ", attempt, " over, whose deit-coord is gone"));
    TakenOver event{.launch = attempt, .workers = record.workers_wanted()};
    event.known.assign(record.workers().begin(), record.workers().end());
    Attach(attempt, event.workers, false);
    Send(std::move(event));
  }

  void Attach(int attempt, int workers, bool fresh) {
    attempt_ = attempt;
    log_ = std::make_unique<AttemptLog>(environment_.fs, store_, environment_.observer, attempt, workers, fresh);
  }

  void ScheduleLook() {
    if (ended_) return;
    timer_.expires_after(IsBusy(state_) ? kBusyTick : kTick);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code&) {
      if (self->ended_) return;
      self->Look();
      self->ScheduleLook();
    });
  }

  void WakeUp() { timer_.cancel(); }

  const LaunchState* Live() const {
    const auto it = state_.launches.find(attempt_);
    return it == state_.launches.end() ? nullptr : &it->second;
  }

  std::vector<v1::ProcessIdentity> Processes() const {
    std::vector<v1::ProcessIdentity> processes;
    for (const WorkerState& worker : Live() ? Live()->workers : std::vector<WorkerState>()) {
      if (worker.process) processes.push_back(*worker.process);
    }
    return processes;
  }

  void LookAtWorkers() {
    std::vector<int> gone;
    const LaunchState* launch = Live();
    for (size_t k = 0; launch != nullptr && k < launch->workers.size(); ++k) {
      const WorkerState& worker = launch->workers[k];
      if (worker.connection == 0 && worker.process && !worker.gone && handle_->IsGone(*worker.process)) gone.push_back(static_cast<int>(k));
    }
    for (const int worker : gone) Send(WorkerGone{attempt_, worker});
  }

  void Follow() {
    followed_ = Now();
    if (auto start = log_->Follow()) Send(TrainingStarted{*std::move(start)});
    if (!store_.CheckFolder().ok()) Send(RunFolderGone{});
    KeepRecord(false);
  }

  // Nothing of the attempt lives.
  void Conclude() {
    const LaunchState* launch = Live();
    const int workers = launch != nullptr ? static_cast<int>(launch->workers.size()) : 0;
    if (auto start = log_->Finish()) Send(TrainingStarted{*std::move(start)});
    AttemptOutcome outcome = ReadOutcome(environment_.fs, store_.folder(), attempt_, workers, environment_.launcher);
    outcome.exit = handle_->Exit();
    if (outcome.exit) outcome.launcher_ended = Reading(outcome.exit->time());
    outcome.cancel_requested = store_.CancelRequested();
    handle_.reset();
    log_.reset();
    Send(AttemptEnded{attempt_, std::move(outcome)});
  }

  // The job's record: now, or if it has not been published for a while.
  void KeepRecord(bool now) {
    v1::JobRecord& record = store_.record();
    record.clear_refused();
    for (const auto& [cause, count] : environment_.channel.rejected()) {
      auto* refused = record.add_refused();
      refused->set_cause(cause);
      refused->set_count(count);
    }
    record.clear_workers();
    if (handle_) *record.mutable_guardian() = handle_->guardian();
    if (const LaunchState* launch = Live()) {
      for (const v1::WorkerRecord& worker : Known(*launch)) *record.add_workers() = worker;
    }
    now ? store_.Publish() : store_.PublishIfStale();
  }

  std::vector<v1::WorkerRecord> Known(const LaunchState& launch) {
    std::vector<v1::WorkerRecord> known;
    for (size_t k = 0; k < launch.workers.size(); ++k) {
      const WorkerState& worker = launch.workers[k];
      if (!worker.process) continue;
      v1::WorkerRecord& record = known.emplace_back();
      record.set_worker(static_cast<int>(k));
      record.set_rank(worker.rank);
      *record.mutable_process() = *worker.process;
      record.set_step(std::max<int64_t>(worker.step, 0));
      record.set_phase(worker.phase);
      record.set_heard(UnixTime(worker.heard));
    }
    return known;
  }

  void Do(const LaunchWorkers& action) {
    const auto attempt = store_.BeginAttempt();
    if (!attempt.ok()) return FailLaunch({}, attempt.status());
    environment_.channel.Admit(*attempt, action.workers);
    launch::WorkerLaunch launch = options_.launch;
    launch.workers = action.workers;
    launch.nodes = {{"", action.workers}};
    launch.words = {absl::StrCat("--config=", store_.folder().Config()), absl::StrCat("--run_dir=", store_.folder().path()),
                    absl::StrCat("--attempt=", *attempt)};
    launch.temporary_folder = options_.temporary_folder(*attempt);
    auto handle = environment_.starter.Launch(store_.folder(), *attempt, environment_.launcher.CommandFor(launch), launch.temporary_folder);
    if (!handle.ok()) return FailLaunch(*attempt, handle.status());
    handle_ = *std::move(handle);
    Attach(*attempt, action.workers, true);
    Send(Launched{*attempt, action.workers});
  }

  void FailLaunch(std::optional<int> attempt, const Status& status) {
    Send(LaunchFailed{.launch = attempt, .cause = std::string(status.message()), .hint = HintOf(status), .permanent = IsPermanent(status)});
  }

  void Do(const StopLaunch& action) {
    if (!handle_) return;
    if (environment_.channel.RequestStop() > 0) return;  // workers agree on a stop, so one that was asked is enough
    const Status sent = handle_->Stop();
    if (!sent.ok()) Warn(action.launch, "cannot be asked to stop", sent);
  }

  void Do(const KillLaunch& action) {
    const LaunchState* launch = Live();
    if (!handle_ || launch == nullptr) return;
    if (!action.force) {
      for (const int worker : handle_->SuspendedWorkers(Known(*launch))) Send(WorkerSuspended{action.launch, worker});
    }
    const Status sent = handle_->Kill(Processes(), action.force);
    if (sent.ok() || kill_warned_ == action.launch) return;
    kill_warned_ = action.launch;
    Warn(action.launch, "cannot be killed", sent);
  }

  void Warn(int attempt, const char* what, const Status& status) {
    environment_.observer.OnWarning(absl::StrCat("attempt ", attempt, ": ", what, ": ", status.message()));
  }

  void Do(const CheckpointState& action) { store_.CheckpointState(action.state, action.reason); }
  void Do(const Publish&) { KeepRecord(true); }
  void Do(const EmitEvent& action) {
    store_.Event(action.reason, action.message, {.attempt = action.attempt, .step = {}, .worker = action.worker});
  }
  void Do(const RecordStart& action) { store_.Started(action.start); }
  void Do(const RecordResult& action) { store_.Ended(action.result); }

  void Do(const RecordFailure& action) {
    run::AttemptEnd end;
    end.attempt = action.launch;
    end.cause = action.cause.text;
    end.exit_code = action.cause.exit_code;
    end.signal = action.cause.signal;
    end.worker = action.cause.worker;
    end.node = action.cause.node;
    end.failure = FailureName(action.cause);
    end.reached_step = action.reached_step;
    end.time = environment_.clock.Now();
    store_.Ended(end);
  }

  void Do(const RecordRecovery& action) {
    store_.AddRecovery(action.recovery);
    environment_.observer.OnNotice(absl::StrCat("attempt ", action.launch, ": ", Describe(action.recovery)));
  }

  void Do(const ReportFailure& action) { environment_.observer.OnFailure(MakeReport(environment_.fs, store_.folder(), action)); }
  void Do(const ReportNotice& action) { environment_.observer.OnNotice(action.text); }

  void Do(const EndJob& action) {
    ended_ = true;
    timer_.cancel();
    environment_.channel.Close();
    store_.record().clear_workers();
    if (action.state == v1::JobState::STOPPED || action.state == v1::JobState::CANCELED) store_.record().set_saved_step(action.steps.saved);
    store_.End(action.state, action.message, action.reason, action.hint);
    environment_.fs.Remove(store_.folder().Control()).IgnoreError();
    on_end_(JobEnd{action.state, action.steps});
  }

  const JobEnvironment environment_;
  JobStore& store_;
  const JobOptions options_;
  const std::function<void(const JobEnd&)> on_end_;
  boost::asio::steady_timer timer_;

  JobMachineState state_;
  std::deque<JobEvent> events_;  // not yet sent
  bool sending_ = false, ended_ = false;

  int attempt_ = 0;  // the one of `handle_` and `log_`
  std::unique_ptr<AttemptHandle> handle_;
  std::unique_ptr<AttemptLog> log_;
  absl::Duration followed_ = -absl::InfiniteDuration();
  int kill_warned_ = 0;  // the attempt that could not be killed; logged once
};

StatusOr<std::unique_ptr<JobController>> JobController::Start(boost::asio::io_context& io, const JobEnvironment& environment,
                                                              JobOptions options, std::function<void(const JobEnd&)> on_end) {
  auto impl = std::make_shared<Impl>(io, environment, std::move(options), std::move(on_end));
  auto controller = std::unique_ptr<JobController>(new JobController(impl));
  DEIT_RETURN_IF_ERROR(impl->Start());
  return controller;
}

JobController::JobController(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
JobController::~JobController() { impl_->Abandon(); }
void JobController::Stop(bool force) { impl_->Stop(force); }
void JobController::Look() { impl_->Look(); }
const JobMachineState& JobController::state() const { return impl_->state(); }

}  // namespace deit::job
