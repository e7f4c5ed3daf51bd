// Controller of one job: carries out what the job machine wants, and feeds it with what happens.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/files/file_system.h"
#include "common/job/job_store.h"
#include "coordinator/job/attempt_handle.h"
#include "coordinator/job/job_machine.h"
#include "coordinator/job/job_observer.h"
#include "coordinator/job/worker_channel.h"
#include "launch/launcher.h"
#include "proto/job.pb.h"
#include "proto/spec.pb.h"

namespace boost::asio {
class io_context;
}

namespace deit::job {

// Everything outside of the controller; all of it outlives it.
struct JobEnvironment {
  Clock& clock;
  files::FileSystem& fs;
  launch::Launcher& launcher;
  AttemptStarter& starter;
  WorkerChannel& channel;
  JobStore& store;
  JobObserver& observer;
};

struct JobOptions {
  JobPolicy policy;
  launch::WorkerLaunch launch;                               // its words, workers and temporary folder are the controller's to add
  std::function<std::string(int attempt)> temporary_folder;  // of an attempt, for the launcher's files
  std::optional<v1::JobRecord> take_over;                    // the attempt of a controller that died, alive or ended unseen
};

// Limits and budget of a resolved spec; launcher and host for causes.
JobPolicy PolicyOf(const v1::JobSpec& spec, int workers, const launch::Launcher& launcher);

struct JobEnd {
  v1::JobState::Value state = v1::JobState::FAILED;
  StepCounts steps;
};

// Not thread-safe: everything happens on the thread that runs the io_context. A job has one controller at a time, which holds its store.
class JobController {
 public:
  // Opens the channel, takes over or launches, and returns: the rest happens while `io` runs, until `on_end` is called, once (for a job
  // that ends at once, from here), after which the controller does nothing more.
  // An error is recorded as the job's end too. `io` outlives the
  // controller, which `on_end` may destroy.
  static StatusOr<std::unique_ptr<JobController>> Start(boost::asio::io_context& io, const JobEnvironment& environment, JobOptions options,
                                                        std::function<void(const JobEnd&)> on_end);
  ~JobController();  // touches no process: the attempt goes on
  JobController(const JobController&) = delete;
  JobController& operator=(const JobController&) = delete;

  // Graceful stop; `force`: at once. May be repeated. Whether it is for good the store knows (CancelRequested).
  void Stop(bool force);

  // Looks at processes and files now instead of at the next tick.
  void Look();

  const JobMachineState& state() const;

 private:
  class Impl;
  explicit JobController(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace deit::job
