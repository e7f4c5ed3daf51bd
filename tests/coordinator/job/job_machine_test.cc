#include "coordinator/job/job_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::job {
namespace {

using ::testing::HasSubstr;

// A job of two workers in virtual time; its launches are answered at once.
class JobMachineTest : public ::testing::Test {
 protected:
  JobMachineTest() : state_(NewJob({}, {}, {})) {
    policy_.workers = 2;
    policy_.launcher = "mpirun";
    policy_.host = "n1";
  }

  void Send(const JobEvent& event) {
    Transition transition = Advance(std::move(state_), event, policy_, now_);
    state_ = std::move(transition.state);
    actions_ = std::move(transition.actions);
    if (const auto* launch = Find<LaunchWorkers>()) {
      ++launches_;
      Send(Launched{launches_, launch->workers});
    }
  }

  void Pass(double seconds) {
    const absl::Duration end = now_ + absl::Seconds(seconds);
    while (now_ < end && !state_.ended) {
      now_ += absl::Milliseconds(100);
      Send(Tick{});
      if (!actions_.empty()) return;
    }
  }

  // The last action of its kind that the last event led to.
  template <typename T>
  const T* Find() const {
    for (auto it = actions_.rbegin(); it != actions_.rend(); ++it) {
      if (const T* found = std::get_if<T>(&*it)) return found;
    }
    return nullptr;
  }

  static JobEvent Hello(int attempt, int64_t connection, int worker) {
    WorkerHello event{.connection = connection, .launch = attempt, .worker = worker, .workers = 2};
    event.process.set_host("n1");
    event.process.set_pid(100 + worker);
    return event;
  }

  void Beat(int64_t connection, int64_t step, const char* phase = "compute") {
    WorkerHeartbeat event{.connection = connection};
    event.heartbeat.set_step(step);
    event.heartbeat.set_phase(phase);
    event.heartbeat.set_step_seconds(0.1);
    Send(event);
  }

  // Launches and lets both workers, over connections 1 and 2 of each attempt's ten, reach `step`.
  void Train(int64_t step = 10) {
    Send(Tick{});
    for (int worker = 0; worker < 2; ++worker) Send(Hello(launches_, Connection(worker), worker));
    for (int worker = 0; worker < 2; ++worker) Beat(Connection(worker), step);
  }
  int64_t Connection(int worker) const { return 10 * launches_ + worker; }

  // The launch ends with worker 1 killed by a signal.
  static AttemptOutcome Killed(StepCounts steps = {.reached = 10, .saved = 5}) {
    AttemptOutcome outcome{.failure = launch::LaunchFailure{.rank = 1, .signal = 9}, .steps = steps};
    outcome.exit.emplace().set_exit_code(137);
    return outcome;
  }
  static AttemptOutcome WithResult(int code, int64_t steps) {
    AttemptOutcome outcome{.steps = {.reached = steps}};
    outcome.exit.emplace().set_exit_code(code);
    outcome.result.emplace().set_exit_code(code);
    outcome.result->set_steps_executed(steps);
    return outcome;
  }

  JobPolicy policy_;
  JobMachineState state_;
  absl::Duration now_;
  std::vector<Action> actions_;
  int launches_ = 0;
};

TEST_F(JobMachineTest, LaunchesOnceAndSucceeds) {
  Train();
  Send(Tick{});
  EXPECT_EQ(launches_, 1);
  Send(AttemptEnded{1, WithResult(0, 40)});
  ASSERT_TRUE(Find<EndJob>());
  EXPECT_EQ(Find<EndJob>()->state, v1::JobState::SUCCEEDED);
  EXPECT_EQ(Find<EndJob>()->steps.saved, 40);
  Send(Tick{});
  EXPECT_TRUE(actions_.empty()) << "nothing after the end";
}

TEST_F(JobMachineTest, AFailureIsRecordedReportedAndFollowedAtOnce) {
  Train();
  now_ += absl::Milliseconds(100);
  Send(ConnectionClosed{Connection(1)});
  Send(WorkerGone{1, 1});
  EXPECT_TRUE(IsBusy(state_));
  Send(AttemptEnded{1, Killed()});
  EXPECT_EQ(launches_, 2);
  EXPECT_EQ(state_.launches.size(), 1U);
  EXPECT_EQ(state_.recovery->noticed, now_);
}

TEST_F(JobMachineTest, TheReportNamesCauseWorkersAndWhatFollows) {
  policy_.max_restarts = 0;
  Train();
  Send(AttemptEnded{1, Killed()});
  ASSERT_TRUE(Find<ReportFailure>());
  EXPECT_EQ(Find<ReportFailure>()->cause.text, "worker 1 on n1: killed by signal 9 (Killed) at step 10 in phase compute");
  EXPECT_EQ(Find<ReportFailure>()->workers, "worker 0: step 10, phase compute; worker 1: step 10, phase compute");
  EXPECT_THAT(Find<ReportFailure>()->next, HasSubstr("all restarts are used up"));
  EXPECT_EQ(Find<RecordFailure>()->reached_step, 10);
  EXPECT_EQ(Find<EndJob>()->state, v1::JobState::FAILED);
  EXPECT_THAT(Find<EndJob>()->reason, HasSubstr("killed by signal 9 (Killed) at step 10 in phase compute: all restarts"));
}

TEST_F(JobMachineTest, ARecoveryIsRecordedOnceItsFirstStepIsDone) {
  Train();
  Send(AttemptEnded{1, Killed()});
  now_ += absl::Milliseconds(300);
  for (int worker = 0; worker < 2; ++worker) Send(Hello(2, Connection(worker), worker));
  for (int worker = 0; worker < 2; ++worker) {
    EXPECT_FALSE(Find<RecordRecovery>());
    WorkerHeartbeat event{
        .connection = Connection(worker), .loaded = now_ + absl::Milliseconds(50), .first_done = now_ + absl::Milliseconds(90)};
    Send(event);
  }
  ASSERT_TRUE(Find<RecordRecovery>());
  EXPECT_EQ(Find<RecordRecovery>()->launch, 2);
  EXPECT_NEAR(Find<RecordRecovery>()->recovery.start_seconds(), 0.3, 1e-9);
  EXPECT_NEAR(Find<RecordRecovery>()->recovery.load_seconds(), 0.05, 1e-9);
  Beat(Connection(0), 11);
  EXPECT_FALSE(Find<RecordRecovery>());
}

TEST_F(JobMachineTest, AStopSavesAndEnds) {
  Train();
  Send(StopWanted{});
  ASSERT_TRUE(Find<StopLaunch>());
  EXPECT_EQ(Find<CheckpointState>()->state, v1::JobState::DRAINING);
  Send(StopWanted{});
  EXPECT_FALSE(Find<StopLaunch>()) << "once";
  Send(AttemptEnded{1, WithResult(75, 12)});
  EXPECT_EQ(Find<EndJob>()->state, v1::JobState::STOPPED);
  EXPECT_EQ(Find<EndJob>()->message, "stopped with everything saved");
  EXPECT_FALSE(Find<EndJob>()->steps.lost());
}

TEST_F(JobMachineTest, ACancelEndsCanceledAlsoAfterAStop) {
  Train();
  Send(StopWanted{});
  Send(StopWanted{.cancel = true});
  EXPECT_EQ(Find<CheckpointState>()->reason, "being canceled");
  Send(AttemptEnded{1, WithResult(75, 12)});
  EXPECT_EQ(Find<EndJob>()->state, v1::JobState::CANCELED);
}

TEST_F(JobMachineTest, AStopThatLosesStepsSaysWhich) {
  Train();
  Send(StopWanted{});
  Send(StopWanted{.force = true});
  ASSERT_TRUE(Find<KillLaunch>());
  Send(AttemptEnded{1, Killed({.reached = 10, .saved = 5})});
  EXPECT_EQ(Find<EndJob>()->state, v1::JobState::STOPPED);
  EXPECT_TRUE(Find<EndJob>()->steps.lost());
  EXPECT_EQ(Find<EndJob>()->reason, "stopped; 5 finished steps are lost: saved up to step 5 of 10");
  EXPECT_EQ(Find<EndJob>()->hint, "run again goes on from step 5");
}

TEST_F(JobMachineTest, AFailureWhileStoppingIsAStop) {
  Train();
  Send(StopWanted{});
  Send(AttemptEnded{1, Killed()});
  EXPECT_EQ(launches_, 1);
  EXPECT_TRUE(Find<ReportFailure>());
  EXPECT_EQ(Find<EndJob>()->state, v1::JobState::STOPPED);
}

TEST_F(JobMachineTest, AStopDuringABackOffEndsWithWhatIsSaved) {
  Train();
  Send(AttemptEnded{1, Killed()});
  Send(AttemptEnded{2, Killed()});
  EXPECT_EQ(launches_, 2) << "the second failure waits a second";
  EXPECT_EQ(Find<CheckpointState>()->state, v1::JobState::RECOVERING);
  Send(StopWanted{});
  EXPECT_EQ(launches_, 2);
  ASSERT_TRUE(Find<EndJob>());
  EXPECT_EQ(Find<EndJob>()->state, v1::JobState::STOPPED);
  EXPECT_TRUE(Find<EndJob>()->steps.lost());
}

TEST_F(JobMachineTest, AStopBeforeAnythingWasTrainedLosesNothing) {
  Send(StopWanted{});
  EXPECT_EQ(launches_, 0);
  ASSERT_TRUE(Find<EndJob>());
  EXPECT_FALSE(Find<EndJob>()->steps.lost());
  EXPECT_EQ(Find<EndJob>()->message, "stopped before the first step");
}

TEST_F(JobMachineTest, AFailedLaunchIsAFailedAttemptWithABackOff) {
  state_ = NewJob({}, {}, {});
  state_.launching = true;  // the first one
  Send(LaunchFailed{.launch = 1, .cause = "guardian: resource temporarily unavailable"});
  EXPECT_EQ(launches_, 1) << "tried again at once";
  EXPECT_EQ(state_.history.failures, 1);
  Send(AttemptEnded{1, Killed({})});
  EXPECT_EQ(state_.restart_at, now_ + absl::Seconds(1));
  Pass(0.9);
  EXPECT_EQ(launches_, 1);
  Pass(0.2);
  EXPECT_EQ(launches_, 2);
}

TEST_F(JobMachineTest, APermanentLaunchFailureEndsTheJob) {
  state_.launching = true;
  Send(LaunchFailed{.cause = "/run: permission denied", .permanent = true});
  EXPECT_FALSE(Find<RecordFailure>()) << "no attempt was begun";
  ASSERT_TRUE(Find<EndJob>());
  EXPECT_EQ(Find<EndJob>()->message, "the workers cannot be started: /run: permission denied");
}

TEST_F(JobMachineTest, AFolderThatIsGoneEndsTheJob) {
  Train();
  Send(RunFolderGone{});
  ASSERT_NE(Find<KillLaunch>(), nullptr);
  Send(RunFolderGone{});
  EXPECT_EQ(Find<KillLaunch>(), nullptr) << "once, but for the escalation";
  Send(AttemptEnded{launches_, {}});  // no exit.json can be read
  const auto* end = Find<EndJob>();
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->state, v1::JobState::FAILED);
  EXPECT_EQ(end->message, "the run folder was moved or removed while its job ran");
  EXPECT_THAT(end->hint, HasSubstr("where the folder is now"));
}

TEST_F(JobMachineTest, AKillEscalatesUntilTheLaunchHasEnded) {
  Train();
  Send(StopWanted{.force = true});
  EXPECT_FALSE(Find<KillLaunch>()->force);
  Pass(4.9);
  EXPECT_FALSE(Find<KillLaunch>());
  Pass(0.2);
  EXPECT_TRUE(Find<KillLaunch>()->force);
  EXPECT_TRUE(Find<ReportNotice>());
  Pass(1.1);
  EXPECT_TRUE(Find<KillLaunch>()->force);
  EXPECT_FALSE(Find<ReportNotice>()) << "reported once";
}

TEST_F(JobMachineTest, ATakeOverGoesOnWithTheAttemptAndKnowsItsWorkers) {
  v1::WorkerRecord known;
  known.set_worker(1);
  known.mutable_process()->set_pid(7);
  Send(TakenOver{.launch = 4, .workers = 2, .known = {known}});
  EXPECT_EQ(launches_, 0);
  EXPECT_EQ(Find<EmitEvent>()->reason, v1::Event::CoordinatorRecovered);
  EXPECT_TRUE(state_.launches.at(4).workers[1].spoke);
  Send(AttemptEnded{4, Killed()});
  EXPECT_EQ(launches_, 1);
}

TEST_F(JobMachineTest, LateRepeatedAndForeignMessagesChangeNothing) {
  Train();
  now_ += absl::Milliseconds(100);
  const int64_t old = Connection(0);
  Send(Hello(1, old + 5, 0));  // worker 0 connects again
  Beat(old, 99);
  EXPECT_EQ(state_.launches.at(1).workers[0].step, 10) << "over its old connection";
  Send(ConnectionClosed{old});
  EXPECT_EQ(state_.launches.at(1).workers[0].connection, old + 5);
  Send(Hello(1, old, 0));
  EXPECT_EQ(state_.launches.at(1).workers[0].connection, old + 5) << "an older introduction";
  Send(Hello(1, old + 6, 2));
  Send(Hello(7, old + 7, 0));
  Send(WorkerHello{.connection = old + 8, .launch = 1, .worker = 0, .workers = 1});
  EXPECT_EQ(state_.launches.at(1).workers[0].connection, old + 5);
  Send(AttemptEnded{7, Killed()});
  Send(WorkerGone{1, 5});
  Send(WorkerGone{1, 0});
  EXPECT_FALSE(state_.launches.at(1).workers[0].gone) << "it is connected";
  Send(Launched{9, 2});
  Send(TakenOver{.launch = 9, .workers = 2});
  EXPECT_EQ(state_.launches.size(), 1U);
}

TEST_F(JobMachineTest, ASuspendedControllerKillsNobody) {
  Train();
  now_ += absl::Minutes(10);
  Send(Tick{});
  EXPECT_TRUE(actions_.empty());
  Pass(3);
  ASSERT_TRUE(Find<KillLaunch>()) << "but then silence counts";
}

TEST_F(JobMachineTest, AControllerThatIsAlwaysLateStillHasDeadlines) {
  Train();
  for (int k = 0; k < 10 && !Find<KillLaunch>(); ++k) {
    now_ += absl::Seconds(2);
    Send(Tick{});
  }
  EXPECT_TRUE(Find<KillLaunch>());
}

TEST_F(JobMachineTest, TrainingThatStartsDuringAStopStaysDraining) {
  Train();
  Send(StopWanted{});
  v1::AttemptStart start;
  start.set_attempt(1);
  Send(TrainingStarted{start});
  EXPECT_TRUE(Find<RecordStart>());
  EXPECT_EQ(Find<CheckpointState>()->state, v1::JobState::DRAINING);
}

}  // namespace
}  // namespace deit::job
