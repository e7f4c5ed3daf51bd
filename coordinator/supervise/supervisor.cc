#include "coordinator/supervise/supervisor.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/base/unix_time.h"
#include "common/control/control_address.h"
#include "common/control/server.h"
#include "common/control/token_file.h"
#include "common/run/error_report.h"
#include "coordinator/supervise/attempt_log.h"
#include "coordinator/supervise/failure_report.h"
#include "coordinator/supervise/live_attempt.h"
#include "coordinator/supervise/policy.h"
#include "launch/worker_launch.h"

namespace deit::supervise {

struct EventLoop::Parts {
  boost::asio::io_context io;
  boost::asio::signal_set signals{io, SIGINT, SIGTERM, SIGUSR1};  // keeps what comes before anybody waits for it
};

EventLoop::EventLoop() : parts(std::make_unique<Parts>()) {}
EventLoop::~EventLoop() = default;

namespace {

constexpr auto kUsually = std::chrono::milliseconds(100);
constexpr auto kSoon = std::chrono::milliseconds(10);
constexpr absl::Duration kFollow = absl::Milliseconds(200);  // between two looks at the attempt's files

files::FileSystem& Fs() { return files::FileSystem::Posix(); }

absl::Duration Elapsed() { return Clock::System().Elapsed(); }

std::string TemporaryFolder(const std::string& job, int attempt) {
  const char* base = std::getenv("TMPDIR");
  return absl::StrCat(base != nullptr && *base == '/' ? base : "/tmp", "/deit-", ::getuid(), "-", job, "-", attempt);
}

class Supervisor : private control::MessageHandler {
 public:
  explicit Supervisor(const SupervisorOptions& options)
      : options_(options), owner_(*options.owner), io_(options.loop->parts->io), signals_(options.loop->parts->signals), timer_(io_) {
    const double stall = options.spec->fault().stall_timeout();
    limits_.start = absl::Seconds(options.spec->fault().start_timeout());
    limits_.stall = limits_.drain = absl::Seconds(stall) + absl::Seconds(10);  // after the workers' own deadlines
  }

  StatusOr<JobEnd> Run() {
    DEIT_RETURN_IF_ERROR(Listen());
    AwaitSignal();
    DEIT_RETURN_IF_ERROR(Begin());
    Tick();
    io_.run();
    return end_;
  }

 private:
  Status Listen() {
    const auto& state = owner_.state_folder();
    if (!state) return absl::FailedPreconditionError("the job's token has no place: DEIT_STATE_DIR cannot be written");
    const std::string path = state->Token(owner_.job());
    auto token = control::ReadToken(path);
    if (absl::IsNotFound(token.status())) token = control::CreateToken(path);
    DEIT_RETURN_IF_ERROR(token.status());
    control::ServerOptions options;
    options.job = owner_.job();
    options.token = *token;
    options.handlers = {{v1::Role::STUDENT, this}};
    options.on_rejected = [this](const std::string& cause, int64_t count) {
      LogWarning(absl::StrCat("control channel: ", count, count == 1 ? " connection" : " connections", " refused: ", cause));
      KeepRecord(true);
    };
    DEIT_ASSIGN_OR_RETURN(server_, control::Server::Start(io_, std::move(options)));
    return control::WriteControlAddress(Fs(), owner_.folder().Control(), server_->address());
  }

  void OnHello(control::ConnectionId connection, const v1::Hello& hello) override {
    if (live_) live_->OnHello(connection, hello);
    if (live_ && live_->stopping()) SendStop(connection).IgnoreError();  // its earlier connection may have closed before it was told
    KeepRecord(true);
  }
  void OnMessage(control::ConnectionId connection, const v1::WorkerMessage& message) override {
    if (!live_) return;
    if (message.has_heartbeat()) live_->OnHeartbeat(connection, message.heartbeat());
    if (message.has_leaving()) live_->OnLeaving(connection);
  }
  void OnClosed(control::ConnectionId connection, const std::string&) override {
    if (live_) live_->OnClosed(connection);
    WakeUp();
  }

  Status SendStop(control::ConnectionId connection) {
    v1::OwnerMessage message;
    message.mutable_stop();
    return server_->Send(connection, message);
  }

  // The attempt of a predecessor, if it left one; else a new one.
  Status Begin() {
    if (!options_.take_over) return LaunchNext();
    const v1::JobRecord& record = *options_.take_over;
    const int attempt = record.attempt();
    owner_.ResumeAttempt(attempt);
    owner_.Event(v1::Event::CoordinatorRecovered, absl::StrCat("takes attempt ", attempt, " over"),
                 {.attempt = attempt, .step = {}, .worker = {}});
    LogInfo(absl::StrCat("job ", owner_.job(), " ", options_.spec->name(), ": takes attempt ", attempt, " over, whose deit-coord is gone"));
    server_->Admit(attempt, {.role = v1::Role::STUDENT, .workers = record.workers_wanted()});
    live_ = LiveAttempt::TakenOver(owner_.folder(), record, AttemptProcess::Adopt(owner_.folder(), attempt));
    log_ = std::make_unique<AttemptLog>(&owner_, attempt, false);
    owner_.CheckpointState(v1::JobState::RUNNING);
    KeepRecord(true);
    return absl::OkStatus();
  }

  Status LaunchNext() {
    DEIT_ASSIGN_OR_RETURN(const int attempt, owner_.BeginAttempt());
    const std::string folder = owner_.folder().path();
    launch::WorkerLaunch launch;
    launch.program = options_.worker_program;
    launch.workers = owner_.record().workers_wanted();
    server_->Admit(attempt, {.role = v1::Role::STUDENT, .workers = launch.workers});
    launch.nodes = {{"", launch.workers}};
    launch.words = {absl::StrCat("--config=", owner_.folder().Config()), absl::StrCat("--run_dir=", folder),
                    absl::StrCat("--attempt=", attempt)};
    launch.temporary_folder = TemporaryFolder(owner_.job(), attempt);
    launch.cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    launch.root = ::getuid() == 0;
    DEIT_ASSIGN_OR_RETURN(AttemptProcess process,
                          AttemptProcess::Launch(owner_.folder(), attempt, launch::MpirunCommand(launch), launch.temporary_folder));
    live_ = LiveAttempt::Launched(owner_.folder(), attempt, launch.workers, std::move(process));
    log_ = std::make_unique<AttemptLog>(&owner_, attempt, true);
    owner_.Event(v1::Event::AttemptStarted, absl::StrCat(launch.workers, launch.workers == 1 ? " worker" : " workers"),
                 {.attempt = attempt, .step = {}, .worker = {}});
    KeepRecord(true);
    return absl::OkStatus();
  }

  // One handler does all the looking; whatever else happens calls it early.
  void Tick() {
    if (live_) Look();
    else if (restart_at_) WaitForRestart();
    if (finished_) {
      signals_.cancel();
      server_.reset();
      return;
    }
    timer_.expires_after(live_ && live_->waiting() ? kSoon : kUsually);
    timer_.async_wait([this](const boost::system::error_code&) { Tick(); });
  }

  void WakeUp() { timer_.cancel(); }

  void Look() {
    live_->Step(limits_, wish_, [this](control::ConnectionId connection) { return SendStop(connection); });
    if (live_->stopping() && owner_.record().state() != v1::JobState::DRAINING) {
      owner_.CheckpointState(v1::JobState::DRAINING, owner_.CancelRequested() ? "being canceled" : "finishes its step and saves");
    }
    if (Elapsed() - followed_ >= kFollow) Follow();
    if (live_->Ended()) Conclude();
  }

  void Follow() {
    followed_ = Elapsed();
    log_->Follow();
    KeepRecord(false);
    if (timeline_) CompleteTimeline();
  }

  void CompleteTimeline() {
    live_->FillBeginning(&*timeline_);
    if (!timeline_->complete()) return;
    const v1::Summary::Recovery recovery = RecoveryOf(*timeline_);
    owner_.AddRecovery(recovery);
    LogInfo(absl::StrCat("attempt ", live_->number(), ": ", Describe(recovery)));
    timeline_.reset();
  }

  void KeepRecord(bool now) {
    v1::JobRecord& record = owner_.record();
    record.clear_refused();
    for (const auto& [cause, count] : server_->rejected()) {
      auto* refused = record.add_refused();
      refused->set_cause(cause);
      refused->set_count(count);
    }
    if (live_) {
      *record.mutable_guardian() = live_->guardian();
      record.clear_workers();
      for (const v1::WorkerRecord& worker : live_->records()) {
        if (worker.has_process()) *record.add_workers() = worker;
      }
    }
    now ? owner_.Publish() : owner_.Keep();
  }

  // The attempt has ended and nothing of it lives.
  void Conclude() {
    log_->Follow();
    if (timeline_) CompleteTimeline();
    const Evidence evidence = live_->Gather();
    const RootCause cause = FindRootCause(evidence);
    const int attempt = live_->number();
    if (evidence.result) owner_.Ended(*evidence.result);
    const bool failed = cause.kind != RootCause::Kind::kDone && cause.kind != RootCause::Kind::kStopped;
    if (failed) RecordFailure(cause);
    const History history = HistoryOf(owner_.summary(), owner_.record().first_attempt());
    const NextStep next = AfterAttempt(cause, history, options_.spec->fault().max_restarts(), wish_ != Wish::kTrain);
    owner_.Event(failed ? v1::Event::AttemptFailed : v1::Event::AttemptEnded, cause.text,
                 {.attempt = attempt, .step = {}, .worker = cause.worker});
    if (failed) ReportFailure(owner_.folder(), attempt, cause, live_->Doings(), next.reason);
    timeline_.reset();
    if (failed) {
      timeline_.emplace();
      timeline_->failed = live_->failed();
      timeline_->noticed = live_->noticed();
      timeline_->stopped = UnixSeconds(absl::Now());
    }
    server_->Revoke(attempt);
    live_.reset();
    log_.reset();
    owner_.record().clear_workers();
    if (next.restart) Schedule(next, cause);
    else Finish(next, cause);
  }

  void RecordFailure(const RootCause& cause) {
    run::AttemptEnd end;
    end.attempt = live_->number();
    end.cause = cause.text;
    end.exit_code = cause.exit_code;
    end.signal = cause.signal;
    end.worker = cause.worker;
    end.node = cause.node;
    end.reached_step = ReachedStep(owner_.folder());
    end.time = absl::Now();
    owner_.Ended(end);
  }

  void Schedule(const NextStep& next, const RootCause& cause) {
    restart_at_ = Elapsed() + next.delay;
    owner_.Event(v1::Event::RestartScheduled, next.reason);
    if (next.delay > absl::ZeroDuration()) owner_.CheckpointState(v1::JobState::RECOVERING, absl::StrCat(cause.text, ": ", next.reason));
    else WaitForRestart();
  }

  void WaitForRestart() {
    if (wish_ != Wish::kTrain) {
      NextStep stopped;
      stopped.state = v1::JobState::STOPPED;
      stopped.reason = "stopped between two attempts";
      restart_at_.reset();
      return Finish(stopped, RootCause{});
    }
    if (Elapsed() < *restart_at_) return;
    restart_at_.reset();
    const Status launched = LaunchNext();
    if (launched.ok()) return;
    RootCause cause;
    cause.text = std::string(launched.message());
    Finish(NextStep{}, cause);
  }

  void Finish(const NextStep& next, const RootCause& cause) {
    finished_ = true;
    end_.state = next.state;
    if (next.state == v1::JobState::STOPPED && owner_.CancelRequested()) end_.state = v1::JobState::CANCELED;
    if (next.budget_exhausted) owner_.Event(v1::Event::RestartBudgetExhausted, next.reason);
    const bool failed = end_.state == v1::JobState::FAILED;
    if (failed) owner_.End(end_.state, cause.text, absl::StrCat(cause.text, ": ", next.reason), cause.hint);
    else owner_.End(end_.state, next.reason);
    Fs().Remove(owner_.folder().Control()).IgnoreError();
  }

  void AwaitSignal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (error) return;
      OnSignal(signal);
      AwaitSignal();
      WakeUp();
    });
  }

  void OnSignal(int signal) {
    if (signal == SIGINT) {
      if (end_.interrupted) {
        wish_ = Wish::kKill;
        return LogInfo("interrupted again: kills the workers; what was not saved is trained again");
      }
      end_.interrupted = true;
    }
    if (wish_ != Wish::kTrain) return;
    wish_ = Wish::kStop;
    LogInfo(signal == SIGINT ? "interrupted: the workers finish their step and save (Ctrl-C again: at once)"
                             : "asked to stop: the workers finish their step and save");
  }

  const SupervisorOptions options_;
  job::JobStore& owner_;
  boost::asio::io_context& io_;
  boost::asio::signal_set& signals_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<control::Server> server_;
  WatchLimits limits_;
  Wish wish_ = Wish::kTrain;
  std::optional<LiveAttempt> live_;
  std::unique_ptr<AttemptLog> log_;
  std::optional<absl::Duration> restart_at_;
  std::optional<RecoveryTimeline> timeline_;  // of a failure that is not overcome yet
  absl::Duration followed_ = -absl::InfiniteDuration();
  bool finished_ = false;
  JobEnd end_;
};

}  // namespace

StatusOr<JobEnd> Supervise(const SupervisorOptions& options) { return Supervisor(options).Run(); }

}  // namespace deit::supervise
