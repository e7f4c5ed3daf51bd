#include "tests/coordinator/job/simulation.h"

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/run/summary.h"
#include "coordinator/job/job_machine.h"
#include "tests/coordinator/job/simulated_attempt.h"

namespace deit::job {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(250);
constexpr absl::Duration kTimeLimit = absl::Hours(6);  // of virtual time; far beyond every back-off of every budget drawn

// The kinds of jobs that are simulated.
enum class Nature {
  kHealthy,   // a few faults, then none
  kCrashing,  // every attempt does new steps, then fails; some day it is through
  kCursed,    // one cause, never a new step
  kUnlucky,   // many causes, never a new step
  kHopeless,  // a permanent failure
  kUnlaunchable,
};

class World {
 public:
  explicit World(uint64_t seed) : dice_(seed) {
    nature_ = static_cast<Nature>(dice_.Below(6));
    policy_.workers = 1 + dice_.Below(3);
    policy_.max_restarts = dice_.Below(8);
    policy_.launcher = "mpirun";
    policy_.host = "n1";
    policy_.limits.stall = policy_.limits.drain = absl::Seconds(30);
    policy_.limits.start = absl::Seconds(10);
    policy_.limits.phase = absl::Minutes(2);
    total_steps_ = 5 + dice_.Below(40);
    save_every_ = 1 + dice_.Below(8);
    step_time_ = absl::Seconds(dice_.Uniform(0.2, 1.5));
    faults_left_ = dice_.Below(6);
    cursed_fate_ = static_cast<Fate>(1 + dice_.Below(9));
    if (cursed_fate_ == Fate::kPermanent) cursed_fate_ = Fate::kSignal;
    if (dice_.Chance(0.4)) stop_at_ = absl::Seconds(dice_.Uniform(0, 60));
    if (dice_.Chance(0.5)) restarts_left_ = dice_.Below(4);
    NextRestart();
    machine_ = NewJob({}, {}, now_);
  }

  SimulationResult Run() {
    while (!end_ && violation_.empty()) {
      const bool suspended = dice_.Chance(0.002);
      const absl::Duration until = now_ + (suspended ? absl::Seconds(dice_.Uniform(1, 60)) : kTick);
      while (now_ < until) {
        now_ += kTick;
        Live();
      }
      if (now_ >= restart_controller_at_) RestartController();
      Look();
      if (now_ > kTimeLimit) Violate("the job never ends");
    }
    if (end_ && violation_.empty()) CheckEnd();
    return {violation_, end_ ? v1::JobState::Value_Name(end_->state) : "", launches_, restarts_};
  }

 private:
  // --- the machine room: what processes do by themselves ---

  void Live() {
    if (!attempt_) return;
    SimulatedAttempt& a = *attempt_;
    if (a.guardian && !a.launcher && !a.AnyWorkerAlive()) a.End(1);
    if (!a.launcher) {  // and its workers lose each other soon
      for (SimulatedWorker& worker : a.workers) worker.alive = worker.alive && !dice_.Chance(0.3);
    }
    if (!a.Alive()) return;
    const bool all_speak = std::all_of(a.workers.begin(), a.workers.end(), [&](const auto& worker) { return now_ >= worker.speaks_at; });
    if (all_speak && !a.trains && a.launcher) {
      a.trains = true;
      a.next_step = now_ + step_time_;
      a.reached_before = std::max(a.first_step, metrics_);
      metrics_ = a.first_step;  // those of lost steps are cut off
    }
    if (now_ >= a.fate_at) Strike(a);
    while (a.trains && a.launcher && !a.stalled && a.AllWork() && now_ >= a.next_step) DoStep(a);
  }

  void DoStep(SimulatedAttempt& a) {
    a.next_step += step_time_;
    ++a.step;
    metrics_ = a.step;
    if (a.step > furthest_) furthest_ = a.step, since_new_step_ = 0, launches_since_new_step_ = 1;
    if (a.step % save_every_ == 0) saved_ = a.step;
    if (a.step == total_steps_) {
      saved_ = a.step;
      a.Finish(0);
    } else if (a.stop_asked) {
      if (dice_.Chance(0.1)) return a.Lose(0, {}, 74, true);
      saved_ = a.step;
      a.Finish(75);
    } else if (a.step >= a.fate_step && a.fate_step >= 0) {
      Strike(a);
    }
  }

  void Strike(SimulatedAttempt& a) {
    const size_t victim = static_cast<size_t>(dice_.Below(policy_.workers));
    a.fate_at = absl::InfiniteDuration();
    a.fate_step = -1;
    const bool reported = dice_.Chance(0.8);
    switch (a.fate) {
      case Fate::kNone: return;
      case Fate::kSignal: return a.Lose(victim, a.signal, {}, reported);
      case Fate::kExit: return a.Lose(victim, {}, a.exit_code, reported);
      case Fate::kNotSaved: return a.Lose(victim, {}, 74, true);
      case Fate::kPermanent: return a.Lose(victim, {}, 64, true);
      case Fate::kSilent:
      case Fate::kNeverSpeaks: a.workers[victim].talks = false; return;
      case Fate::kStall: a.stalled = true; return;
      case Fate::kLauncherDies:
        a.launcher = false;
        a.outcome.exit.emplace().set_signal(9);
        return;
      case Fate::kGuardianDies: a.guardian = a.launcher = false; return;
    }
  }

  // --- launches ---

  void Doom(SimulatedAttempt& a) {
    const bool early = !a.trains && dice_.Chance(0.3);
    a.exit_code = 65 + 5 * dice_.Below(3);
    a.signal = dice_.Chance(0.5) ? 9 : 11;
    switch (nature_) {
      case Nature::kHealthy:
        if (faults_left_-- <= 0) return;
        a.fate = static_cast<Fate>(1 + dice_.Below(9));
        if (a.fate == Fate::kPermanent) a.fate = Fate::kExit;
        break;
      case Nature::kCrashing:
        a.fate = static_cast<Fate>(1 + dice_.Below(9));
        if (a.fate == Fate::kPermanent || a.fate == Fate::kNeverSpeaks) a.fate = Fate::kExit;
        a.fate_step = furthest_ + 1 + dice_.Below(3);
        return;
      case Nature::kCursed:
        a.fate = cursed_fate_;
        a.exit_code = 70;
        a.signal = 9;
        a.fate_at = now_;
        return;
      case Nature::kUnlucky:
        a.fate = static_cast<Fate>(1 + dice_.Below(9));
        if (a.fate == Fate::kPermanent) a.fate = Fate::kExit;
        a.fate_at = now_;
        return;
      case Nature::kHopeless:
        a.fate = Fate::kPermanent;
        a.fate_at = now_ + absl::Seconds(dice_.Uniform(0, 5));
        return;
      case Nature::kUnlaunchable: return;
    }
    a.fate_at = now_ + absl::Seconds(early ? dice_.Uniform(0, 1) : dice_.Uniform(0, 30));
  }

  void Launch(const LaunchWorkers& launch) {
    if (attempt_ && attempt_->Alive()) return Violate("a launch while another attempt lives: two writers");
    if (stop_sent_) return Violate("a launch after a stop");
    ++launches_;
    if (++launches_since_new_step_ > policy_.max_restarts + 1 + restarts_) return Violate("restarted beyond its budget without a new step");
    const int number = ++last_number_;
    run::BeginAttempt({"7f3a0001", "simulated", "", number, launch.workers, absl::UnixEpoch() + now_}, &summary_);
    const double failing = nature_ == Nature::kUnlaunchable ? 1 : nature_ == Nature::kHealthy && faults_left_ > 0 ? 0.2 : 0;
    if (dice_.Chance(failing)) {
      --faults_left_;
      ++since_new_step_;
      return Queue(LaunchFailed{.launch = number, .cause = "no processes left"});
    }
    past_attempts_.push_back(std::move(attempt_));
    attempt_ = std::make_unique<SimulatedAttempt>(number, launch.workers, saved_, now_, dice_);
    concluded_ = false;
    Doom(*attempt_);
    Queue(Launched{number, launch.workers});
  }

  // --- the controller: what it sees and does ---

  void Look() {
    if (attempt_) HearWorkers(*attempt_);
    if (stop_at_ && now_ >= *stop_at_) Stop();
    if (attempt_ && !concluded_) {
      SimulatedAttempt& a = *attempt_;
      if (a.trains && !a.start_reported && machine_.launches.contains(a.number)) ReportStart(a);
      for (size_t k = 0; k < a.workers.size(); ++k) {
        if (!a.workers[k].alive && a.workers[k].speaks_at <= now_) Send(WorkerGone{a.number, static_cast<int>(k)});
      }
    }
    Send(Tick{});
    if (attempt_ && !concluded_ && !attempt_->Alive() && !end_) Conclude(*attempt_);
    while (!queue_.empty() && !end_) {
      const JobEvent event = std::move(queue_.front());
      queue_.pop_front();
      Send(event);
    }
  }

  void ReportStart(SimulatedAttempt& a) {
    a.start_reported = true;
    v1::AttemptStart start;
    start.set_attempt(a.number);
    start.set_first_step(a.first_step);
    start.set_reached_step(a.reached_before);
    start.set_time(1);
    Send(TrainingStarted{start});
  }

  void HearWorkers(SimulatedAttempt& a) {
    for (size_t k = 0; k < a.workers.size(); ++k) {
      SimulatedWorker& worker = a.workers[k];
      const bool speaks = worker.alive && worker.talks && now_ >= worker.speaks_at;
      if (!worker.alive && worker.connection != 0) Send(ConnectionClosed{std::exchange(worker.connection, 0)});
      if (!speaks) continue;
      if (worker.connection != 0 && dice_.Chance(0.01)) {  // connects again, and the end of its old connection comes late
        const int64_t old = worker.connection;
        Introduce(a, k);
        Send(ConnectionClosed{old});
      }
      if (worker.connection == 0) Introduce(a, k);
      SendHeartbeat(a, worker.connection);
      if (dice_.Chance(0.05)) SendHeartbeat(a, worker.connection);                                    // twice
      if (dice_.Chance(0.05)) SendHeartbeat(a, 1 + dice_.Below(static_cast<int>(next_connection_)));  // over another one
      if (dice_.Chance(0.01)) Send(ConnectionClosed{next_connection_ + 5});
      if (dice_.Chance(0.01)) Send(WorkerLeaving{next_connection_ + 5});
    }
  }

  void Introduce(SimulatedAttempt& a, size_t k) {
    WorkerHello hello{.connection = ++next_connection_, .launch = a.number, .worker = static_cast<int>(k), .workers = policy_.workers};
    hello.process.set_pid(100 + static_cast<int>(k));
    hello.process.set_host("n1");
    a.workers[k].connection = next_connection_;
    Send(hello);
    if (dice_.Chance(0.05)) Send(hello);
    if (dice_.Chance(0.05)) {  // of an attempt that is over, and of a worker that there is not
      hello.launch = a.number - 1;
      Send(hello);
      hello.launch = a.number;
      hello.worker = 7;
      Send(hello);
    }
  }

  void SendHeartbeat(const SimulatedAttempt& a, int64_t connection) {
    WorkerHeartbeat event{.connection = connection};
    event.heartbeat.set_step(a.step);
    event.heartbeat.set_phase("compute");
    event.heartbeat.set_step_seconds(a.step > a.first_step ? absl::ToDoubleSeconds(step_time_) : 0);
    if (a.trains) event.loaded = event.first_done = now_;
    Send(event);
  }

  void Stop() {
    stop_sent_ = true;
    stop_at_.reset();
    restart_controller_at_ = absl::InfiniteDuration();  // the user who runs the job again no longer wants it stopped
    const bool force = dice_.Chance(0.3);
    const bool cancel = dice_.Chance(0.3);
    cancel_ = cancel_ || cancel;
    Send(StopWanted{.force = force, .cancel = cancel});
    if (!force && dice_.Chance(0.3)) stop_at_ = now_ + absl::Seconds(dice_.Uniform(0, 20));
  }

  void Conclude(SimulatedAttempt& a) {
    concluded_ = true;
    AttemptOutcome outcome = a.outcome;
    outcome.steps = {.reached = metrics_, .saved = saved_};
    const bool well = outcome.result.has_value();
    if (!well) ++since_new_step_;
    Send(AttemptEnded{a.number, outcome});
    if (dice_.Chance(0.2)) Send(AttemptEnded{a.number, outcome});
  }

  // kill -9 of the controller: what it knew is gone, and the next one reads what was recorded.
  void RestartController() {
    ++restarts_;
    NextRestart();
    queue_.clear();
    next_connection_ = 0;
    const absl::Duration back = now_ + absl::Seconds(dice_.Uniform(0, 10));
    while (now_ < back) {
      now_ += kTick;
      Live();
    }
    const bool take_over = attempt_ && !concluded_;
    const int next = take_over ? attempt_->number : last_number_ + 1;
    machine_ = NewJob(HistoryOf(summary_, 1, next), {.reached = metrics_, .saved = saved_}, now_);
    if (!take_over) return;
    TakenOver event{.launch = attempt_->number, .workers = policy_.workers};
    for (size_t k = 0; k < attempt_->workers.size(); ++k) {
      attempt_->workers[k].connection = 0;
      if (dice_.Chance(0.5)) continue;
      v1::WorkerRecord& known = event.known.emplace_back();
      known.set_worker(static_cast<int>(k));
      known.mutable_process()->set_pid(100);
    }
    attempt_->start_reported = false;
    Send(event);
  }

  void NextRestart() {
    restart_controller_at_ = restarts_left_-- > 0 ? now_ + absl::Seconds(dice_.Uniform(0, 30)) : absl::InfiniteDuration();
  }

  void Queue(JobEvent event) { queue_.push_back(std::move(event)); }

  void Send(const JobEvent& event) {
    Transition transition = Advance(std::move(machine_), event, policy_, now_);
    machine_ = std::move(transition.state);
    if (end_ && !transition.actions.empty()) Violate("an action after the end");
    for (const Action& action : transition.actions) std::visit([this](const auto& one) { Do(one); }, action);
    if (machine_.launches.size() > 1) Violate("two launches");
  }

  void Do(const LaunchWorkers& action) { Launch(action); }
  void Do(const StopLaunch& action) {
    if (attempt_->number == action.launch && dice_.Chance(0.9)) attempt_->stop_asked = true;
  }
  void Do(const KillLaunch& action) {
    if (attempt_->number == action.launch && dice_.Chance(action.force ? 0.7 : 0.8)) attempt_->Kill();
  }
  void Do(const RecordStart& action) { run::ApplyStart(action.start, &summary_); }
  void Do(const RecordResult& action) { run::ApplyResult(action.result, &summary_); }
  void Do(const RecordFailure& action) {
    run::AttemptEnd end;
    end.attempt = action.launch;
    end.cause = action.cause.text;
    end.failure = FailureName(action.cause);
    end.exit_code = action.cause.exit_code;
    end.signal = action.cause.signal;
    end.worker = action.cause.worker;
    end.reached_step = action.reached_step;
    run::ApplyEnd(end, &summary_);
    same_cause_ = since_new_step_ > 1 && last_cause_ == end.failure ? same_cause_ + 1 : 1;
    last_cause_ = end.failure;
  }
  void Do(const EndJob& action) { end_ = action; }
  template <typename Other>
  void Do(const Other&) {}

  // --- the laws ---

  void CheckEnd() {
    if (attempt_ && attempt_->Alive()) return Violate("ended while the attempt lives");
    switch (end_->state) {
      case v1::JobState::SUCCEEDED:
        if (saved_ != total_steps_) Violate("SUCCEEDED before the last step");
        return;
      case v1::JobState::CANCELED:
        if (!cancel_) return Violate("CANCELED without a request");
        [[fallthrough]];
      case v1::JobState::STOPPED:
        if (!stop_sent_) return Violate("STOPPED without a request");
        if (!end_->steps.lost() && metrics_ > saved_) return Violate("said to be saved, and is not");
        if (end_->steps.lost() && metrics_ <= saved_) return Violate("said to be lost, and is not");
        return;
      case v1::JobState::FAILED: {
        const bool permanent = attempt_ && attempt_->fate == Fate::kPermanent;
        const bool spent = since_new_step_ > policy_.max_restarts;
        const bool conclusive = same_cause_ >= (last_cause_ == "launch failed" ? kLaunchFailureLimit : kSameCauseLimit);
        if (!permanent && !spent && !conclusive)
          Violate(absl::StrCat("given up although it made progress: ", end_->reason, "; since the last new step ", since_new_step_,
                               " failures, in a row ", same_cause_, " of: ", last_cause_));
        return;
      }
      default: return Violate("ended in a state that is no end");
    }
  }

  void Violate(const std::string& what) {
    if (violation_.empty()) violation_ = absl::StrCat(what, " (at ", absl::FormatDuration(now_), ", attempt ", last_number_, ")");
  }

  Dice dice_;
  Nature nature_ = Nature::kHealthy;
  JobPolicy policy_;
  absl::Duration now_;
  int64_t total_steps_ = 0, save_every_ = 1;
  absl::Duration step_time_;
  int faults_left_ = 0;
  Fate cursed_fate_ = Fate::kNone;
  std::optional<absl::Duration> stop_at_;
  bool stop_sent_ = false, cancel_ = false;
  int restarts_left_ = 0, restarts_ = 0;
  absl::Duration restart_controller_at_ = absl::InfiniteDuration();

  std::unique_ptr<SimulatedAttempt> attempt_;                     // the newest
  std::vector<std::unique_ptr<SimulatedAttempt>> past_attempts_;  // a launch may follow an event about the attempt that it replaces
  bool concluded_ = true;                                         // its end was seen by a controller
  int last_number_ = 0, launches_ = 0, launches_since_new_step_ = 0, since_new_step_ = 0, same_cause_ = 0;
  std::string last_cause_;
  int64_t saved_ = 0, metrics_ = 0, furthest_ = 0;

  JobMachineState machine_;
  std::deque<JobEvent> queue_;
  int64_t next_connection_ = 0;
  v1::Summary summary_;
  std::optional<EndJob> end_;
  std::string violation_;
};

}  // namespace

SimulationResult Simulate(uint64_t seed) { return World(seed).Run(); }

}  // namespace deit::job
