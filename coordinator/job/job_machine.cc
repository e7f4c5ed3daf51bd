#include "coordinator/job/job_machine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/exit_code.h"
#include "common/base/numbers.h"
#include "coordinator/job/launch_evidence.h"

namespace deit::job {
namespace {

constexpr absl::Duration kLongestGap = absl::Milliseconds(500);  // between two events of a controller that was not suspended

// The state of a launch whose workers are all still to introduce themselves.
LaunchState NewLaunch(int workers, absl::Duration now) {
  LaunchState launch;
  launch.workers.resize(static_cast<size_t>(workers));
  launch.began = launch.progressed = now;
  return launch;
}

class Advancer {
 public:
  Advancer(JobMachineState state, const JobPolicy& policy, absl::Duration now) : state_(std::move(state)), policy_(policy), now_(now) {}

  Transition Take(const JobEvent& event) {
    if (!state_.ended) {
      const absl::Duration gap = now_ - state_.now;
      state_.now = now_;
      // Not all of the gap, so that deadlines also pass for a controller that is always late.
      if (gap > kLongestGap) {
        for (auto& [id, launch] : state_.launches) ExtendDeadlines(gap - kLongestGap, &launch);
      }
      std::visit([this](const auto& one) { On(one); }, event);
      if (!state_.ended) Decide();
    }
    return {std::move(state_), std::move(actions_), std::move(reason_)};
  }

 private:
  // --- events ---

  void On(const Launched& event) {
    if (!state_.launching) return;
    state_.launching = false;
    state_.launches[event.launch] = NewLaunch(event.workers, now_);
    Emit(v1::Event::AttemptStarted, absl::StrCat(event.workers, event.workers == 1 ? " worker" : " workers"), event.launch);
    Do(Publish{});
  }

  void On(const LaunchFailed& event) {
    if (!state_.launching) return;
    state_.launching = false;
    RootCause cause;
    cause.kind = RootCause::Kind::kLaunchFailed;
    cause.node = policy_.host;
    cause.text = absl::StrCat("the workers cannot be started: ", event.cause);
    cause.hint = event.hint;
    cause.permanent = event.permanent;
    LaunchState none;
    none.noticed = now_;
    Conclude(event.launch, none, cause, AttemptOutcome{.steps = state_.steps});
  }

  void On(const TakenOver& event) {
    if (state_.launching || !state_.launches.empty()) return;
    state_.restart_at.reset();
    LaunchState launch = NewLaunch(event.workers, now_);
    for (const v1::WorkerRecord& known : event.known) {
      if (known.worker() < 0 || known.worker() >= event.workers || !known.has_process()) continue;
      WorkerState& worker = launch.workers[static_cast<size_t>(known.worker())];
      worker.process = known.process();
      worker.rank = known.rank();
      worker.spoke = true;
      worker.heard = now_;
      worker.step = known.step();
      worker.phase = known.phase();
    }
    state_.launches[event.launch] = std::move(launch);
    Emit(v1::Event::CoordinatorRecovered, absl::StrCat("takes attempt ", event.launch, " over"), event.launch);
    Do(CheckpointState{v1::JobState::RUNNING, ""});
    Do(Publish{});
  }

  void On(const WorkerHello& event) {
    WorkerState* found = Find(event.launch, event.worker);
    if (found == nullptr) return;
    LaunchState& launch = state_.launches[event.launch];
    if (event.workers != static_cast<int>(launch.workers.size())) return;
    WorkerState& worker = *found;
    if (event.connection <= worker.last_connection) return;  // connections are numbered in their order
    worker.process = event.process;
    worker.rank = event.rank;
    worker.connection = worker.last_connection = event.connection;
    worker.closed.reset();
    worker.spoke = true;
    worker.heard = now_;
    if (AllSpoke(launch) && !launch.spoken) launch.spoken = now_;
    Do(Publish{});
  }

  void On(const WorkerHeartbeat& event) {
    const auto [launch, k] = Find(event.connection);
    if (launch == nullptr) return;
    RecordHeartbeat(now_, event.heartbeat, static_cast<int>(k), launch);
    WorkerState& worker = launch->workers[k];
    if (event.loaded) worker.loaded = event.loaded;
    if (event.first_done) worker.first_done = event.first_done;
  }

  void On(const WorkerLeaving& event) {
    if (const auto [launch, k] = Find(event.connection); launch != nullptr) launch->workers[k].left = true;
  }

  void On(const ConnectionClosed& event) {
    const auto [launch, k] = Find(event.connection);
    if (launch == nullptr) return;
    launch->workers[k].connection = 0;
    launch->workers[k].closed = now_;
  }

  void On(const WorkerGone& event) {
    WorkerState* worker = Find(event.launch, event.worker);
    if (worker == nullptr || worker->gone || worker->connection != 0) return;
    worker->gone = now_;
    LaunchState& launch = state_.launches[event.launch];
    if (!launch.noticed && !worker->left) launch.noticed = now_;
  }

  void On(const WorkerSuspended& event) {
    if (WorkerState* worker = Find(event.launch, event.worker)) worker->suspended = true;
  }

  void On(const TrainingStarted& event) {
    const auto it = state_.launches.find(event.start.attempt());
    if (it == state_.launches.end()) return;
    Do(RecordStart{event.start});
    if (it->second.stopping) SetDraining();  // recording the start has made it RUNNING
  }

  void On(const AttemptEnded& event) {
    const auto it = state_.launches.find(event.launch);
    if (it == state_.launches.end()) return;
    LaunchState launch = std::move(it->second);
    CompleteRecovery(event.launch, launch);
    state_.launches.erase(it);
    if (!launch.noticed) launch.noticed = now_;
    state_.cancel = state_.cancel || event.outcome.cancel_requested;
    state_.steps = event.outcome.steps;
    if (event.outcome.result) {
      const v1::AttemptResult& result = *event.outcome.result;
      if (EndedWell(static_cast<ExitCode>(result.exit_code()))) {
        state_.steps.reached = state_.steps.saved = result.first_step() + result.steps_executed();
      }
      Do(RecordResult{result});
    }
    Conclude(event.launch, launch, FindRootCause(EvidenceOf(launch, event.outcome, policy_.launcher, policy_.host)), event.outcome);
  }

  void On(const StopWanted& event) {
    state_.desired = std::max(state_.desired, event.force ? DesiredState::kKilled : DesiredState::kStopped);
    const bool for_good = event.cancel && !state_.cancel;
    state_.cancel = state_.cancel || event.cancel;
    const bool stopping =
        std::any_of(state_.launches.begin(), state_.launches.end(), [](const auto& entry) { return entry.second.stopping; });
    if (for_good && stopping) SetDraining();
  }

  void On(const RunFolderGone&) {
    for (auto& [id, launch] : state_.launches) {
      if (!launch.kill) Apply({.action = WatchAction::kKill, .verdict = Verdict::kFolderGone, .worker = 0, .waited = {}}, id, &launch);
    }
  }

  void On(const Tick&) {}

  // --- decisions ---

  void Decide() {
    for (auto& [id, launch] : state_.launches) {
      CompleteRecovery(id, launch);
      Apply(Watch(now_, launch, policy_.limits, state_.desired), id, &launch);
    }
    if (!state_.launches.empty() || state_.launching) return;
    if (state_.desired != DesiredState::kRunning) {
      NextStep stopped;
      stopped.state = v1::JobState::STOPPED;
      stopped.reason = DescribeStop(state_.steps);
      Finish(stopped, RootCause{.kind = RootCause::Kind::kStopped});
    } else if (state_.restart_at && now_ >= *state_.restart_at) {
      state_.restart_at.reset();
      state_.launching = true;
      Do(LaunchWorkers{"student", policy_.workers});
    }
  }

  void Apply(const WatchDecision& decision, int id, LaunchState* launch) {
    switch (decision.action) {
      case WatchAction::kNone: return;
      case WatchAction::kStop:
        launch->stopping = now_;
        reason_ = "stop wanted, and all workers can handle it";
        Do(StopLaunch{id});
        return SetDraining();
      case WatchAction::kKill:
        launch->kill = {.verdict = decision.verdict, .worker = decision.worker, .waited = decision.waited, .sent = now_, .count = 1};
        if (!launch->noticed) launch->noticed = now_;
        reason_ = "killed for its verdict";
        return Do(KillLaunch{id, false});
      case WatchAction::kForceKill:
        if (++launch->kill->count == 2) {
          Do(ReportNotice{absl::StrCat("attempt ", id, ": still alive ", DurationText(now_ - launch->kill->sent),
                                       " after it was killed: kills each of its processes")});
        }
        launch->kill->sent = now_;
        reason_ = "the kill before had no effect";
        return Do(KillLaunch{id, true});
    }
  }

  // `launch` has ended, or could not be started.
  void Conclude(std::optional<int> id, const LaunchState& launch, const RootCause& cause, const AttemptOutcome& outcome) {
    const bool failed = cause.kind != RootCause::Kind::kDone && cause.kind != RootCause::Kind::kStopped;
    if (failed) {
      AddFailure(FailureName(cause), state_.steps.reached, &state_.history);
      if (id) Do(RecordFailure{*id, cause, state_.steps.reached});
    }
    const NextStep next = AfterAttempt({.cause = cause,
                                        .history = state_.history,
                                        .max_restarts = policy_.max_restarts,
                                        .desired = state_.desired,
                                        .steps = state_.steps,
                                        .room_for_checkpoint = outcome.room_for_checkpoint});
    Emit(failed ? v1::Event::AttemptFailed : v1::Event::AttemptEnded, cause.text, id, cause.worker);
    state_.recovery.reset();
    if (failed) {
      Do(ReportFailure{id, cause, DescribeWorkers(launch), next.reason});
      state_.recovery = {.failed = FailedAt(launch, outcome, *launch.noticed), .noticed = *launch.noticed, .stopped = now_};
    }
    if (!next.restart) return Finish(next, cause);
    reason_ = next.reason;
    state_.restart_at = now_ + next.delay;
    Emit(v1::Event::RestartScheduled, next.reason);
    if (next.delay > absl::ZeroDuration()) Do(CheckpointState{v1::JobState::RECOVERING, absl::StrCat(cause.text, ": ", next.reason)});
  }

  void Finish(const NextStep& next, const RootCause& cause) {
    state_.ended = true;
    reason_ = next.reason;
    EndJob end{.state = next.state, .message = next.reason, .reason = "", .hint = "", .steps = state_.steps};
    if (end.state == v1::JobState::STOPPED && state_.cancel) end.state = v1::JobState::CANCELED;
    if (next.budget_exhausted) Emit(v1::Event::RestartBudgetExhausted, next.reason);
    if (end.state == v1::JobState::FAILED) {
      end.message = cause.text;
      end.reason = absl::StrCat(cause.text, ": ", next.reason);
      end.hint = cause.hint;
    } else if (end.state != v1::JobState::SUCCEEDED && state_.steps.lost()) {
      end.reason = next.reason;
      end.hint = absl::StrCat("run again goes on from step ", state_.steps.saved);
    }
    Do(std::move(end));
  }

  // --- helpers ---

  void CompleteRecovery(int id, const LaunchState& launch) {
    if (!state_.recovery) return;
    FillBeginning(launch, &*state_.recovery);
    if (!state_.recovery->complete()) return;
    Do(RecordRecovery{id, RecoveryOf(*state_.recovery)});
    state_.recovery.reset();
  }

  void SetDraining() { Do(CheckpointState{v1::JobState::DRAINING, state_.cancel ? "being canceled" : "finishes its step and saves"}); }

  // The worker whose open connection it is; {nullptr, 0}: none.
  std::pair<LaunchState*, size_t> Find(int64_t connection) {
    for (auto& [id, launch] : state_.launches) {
      for (size_t k = 0; k < launch.workers.size(); ++k) {
        if (connection != 0 && launch.workers[k].connection == connection) return {&launch, k};
      }
    }
    return {nullptr, 0};
  }

  WorkerState* Find(int launch, int worker) {
    const auto it = state_.launches.find(launch);
    if (it == state_.launches.end() || worker < 0 || worker >= static_cast<int>(it->second.workers.size())) return nullptr;
    return &it->second.workers[static_cast<size_t>(worker)];
  }

  void Emit(v1::Event::Reason reason, const std::string& message, std::optional<int> attempt = {}, std::optional<int> worker = {}) {
    Do(EmitEvent{reason, message, attempt, worker});
  }
  void Do(Action action) { actions_.push_back(std::move(action)); }

  JobMachineState state_;
  const JobPolicy& policy_;
  const absl::Duration now_;
  std::vector<Action> actions_;
  std::string reason_;
};

}  // namespace

JobMachineState NewJob(History history, StepCounts steps, absl::Duration now) {
  JobMachineState state;
  state.now = now;
  state.restart_at = now;
  state.history = std::move(history);
  state.steps = steps;
  return state;
}

Transition Advance(JobMachineState state, const JobEvent& event, const JobPolicy& policy, absl::Duration now) {
  return Advancer(std::move(state), policy, now).Take(event);
}

bool IsBusy(const JobMachineState& state) {
  for (const auto& [id, launch] : state.launches) {
    if (launch.kill || launch.stopping) return true;
    for (const WorkerState& worker : launch.workers) {
      if (worker.connection == 0) return true;
    }
  }
  return false;
}

}  // namespace deit::job
