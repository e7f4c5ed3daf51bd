// One attempt of the simulation: guardian, launcher and workers as flags, and a fate that strikes once.
#pragma once

#include <algorithm>
#include <optional>
#include <random>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/job/job_event.h"

namespace deit::job {

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  double Uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(engine_); }
  bool Chance(double probability) { return Uniform(0, 1) < probability; }
  int Below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(engine_); }

 private:
  std::mt19937_64 engine_;
};

enum class Fate { kNone, kSignal, kExit, kNotSaved, kPermanent, kSilent, kNeverSpeaks, kStall, kLauncherDies, kGuardianDies };

struct SimulatedWorker {
  bool alive = true;
  bool talks = true;
  absl::Duration speaks_at;
  int64_t connection = 0;  // with the controller of now; 0: none
};

struct SimulatedAttempt {
  SimulatedAttempt(int attempt, int count, int64_t saved, absl::Duration now, Dice& dice)
      : number(attempt), workers(static_cast<size_t>(count)), first_step(saved), step(saved) {
    for (SimulatedWorker& worker : workers) worker.speaks_at = now + absl::Seconds(dice.Uniform(0.1, 3));
  }

  bool AnyWorkerAlive() const {
    return std::any_of(workers.begin(), workers.end(), [](const SimulatedWorker& worker) { return worker.alive; });
  }
  bool AllWork() const {
    return std::all_of(workers.begin(), workers.end(), [](const SimulatedWorker& worker) { return worker.alive && worker.talks; });
  }
  bool Alive() const { return guardian || launcher || AnyWorkerAlive(); }

  // The launcher ends and takes the workers with it; the guardian says so, unless it is dead.
  void End(int code) {
    for (SimulatedWorker& worker : workers) worker.alive = false;
    launcher = false;
    if (guardian && !outcome.exit) outcome.exit.emplace().set_exit_code(code);
    guardian = false;
  }

  void Kill() {
    if (guardian) outcome.exit.emplace().set_asked_to_kill(true);
    End(137);
  }

  // A worker ends by itself; the launcher reports it, at once or never.
  void Lose(size_t victim, std::optional<int> by_signal, std::optional<int> code, bool reported) {
    workers[victim].alive = false;
    if (!reported) return;
    outcome.failure = launch::LaunchFailure{.rank = static_cast<int>(victim), .signal = by_signal, .exit_code = code};
    End(code.value_or(137));
  }

  void Finish(int code) {
    outcome.result.emplace();
    outcome.result->set_attempt(number);
    outcome.result->set_exit_code(code);
    outcome.result->set_first_step(first_step);
    outcome.result->set_steps_executed(step - first_step);
    End(code);
  }

  int number;
  std::vector<SimulatedWorker> workers;
  bool guardian = true, launcher = true;
  int64_t first_step;
  int64_t step;  // done
  Fate fate = Fate::kNone;
  absl::Duration fate_at = absl::InfiniteDuration();
  int64_t fate_step = -1;                               // instead: once this step is done
  int exit_code = 0;                                    // of kExit
  int signal = 9;                                       // of kSignal
  absl::Duration next_step = absl::InfiniteDuration();  // when it is done
  bool trains = false;
  int64_t reached_before = 0;  // steps that the job had reached when it began to train
  bool stalled = false;
  bool start_reported = false;
  bool stop_asked = false;
  AttemptOutcome outcome;
};

}  // namespace deit::job
