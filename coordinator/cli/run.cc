// `deit-coord run`: a job from its first attempt to its end, whatever happens in between.
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "common/base/log.h"
#include "common/base/output_queue.h"
#include "common/dataset/index.h"
#include "common/files/operations.h"
#include "common/job/job_digest.h"
#include "common/job/job_store.h"
#include "common/job/state_folder.h"
#include "common/plan/job_sampler.h"
#include "common/process/allowed_cores.h"
#include "common/process/identity.h"
#include "common/spec/default_job_file.h"
#include "common/spec/load.h"
#include "common/text/shell_word.h"
#include "coordinator/cli/job_arguments.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/job/finished_job.h"
#include "coordinator/job/job_controller.h"
#include "coordinator/job/terminal_observer.h"
#include "coordinator/supervise/control_channel.h"
#include "coordinator/supervise/guarded_attempt.h"
#include "coordinator/supervise/worker_count.h"
#include "launch/allocation.h"
#include "launch/mpirun/mpirun_launcher.h"

namespace deit::cli {
namespace {

// deit-worker, which is built and installed beside this program.
StatusOr<std::string> FindWorkerProgram() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string path = (self.parent_path() / "deit-worker").string();
  if (::access(path.c_str(), X_OK) == 0) return path;
  return WithHint(absl::NotFoundError(absl::StrCat(path, ": not there")), "build it: cmake --build --preset release --target deit-worker");
}

// The job of --config; without it, the one that the run folder already holds, or deit.textproto of the current folder.
StatusOr<v1::JobSpec> LoadRunJob(const Arguments& arguments) {
  std::string config = arguments.Value("config").value_or("");
  std::vector<std::string> overrides = arguments.overrides();
  if (const auto run_dir = arguments.Value("run_dir")) {
    if (run_dir->empty()) return UsageError("--run_dir: empty: want a folder");
    overrides.push_back(absl::StrCat("run_dir=", *run_dir));
    if (config.empty()) config = run::RunFolder(*run_dir).Config();
  } else if (config.empty()) {
    config = spec::FindDefaultJobFile();
  }
  if (config.empty())
    return UsageError(absl::StrCat("run: --config=FILE is missing, and the current folder has no ", spec::kDefaultJobFile),
                      "deit-coord run --config=configs/quickstart/student.textproto --np=2");
  DEIT_ASSIGN_OR_RETURN(const bool exists, files::Exists(files::FileSystem::Posix(), config));
  if (!exists) return absl::NotFoundError(absl::StrCat("job file: ", config, ": not there"));
  return spec::LoadSpec(config, overrides);
}

StatusOr<job::JobStoreOptions> ReadOptions(const Arguments& arguments, const v1::JobSpec& spec) {
  const std::string resume = arguments.Value("resume").value_or("auto");
  if (resume != "auto" && resume != "never") return UsageError(absl::StrCat("--resume: ", resume, ": want auto or never"));
  const auto count =
      supervise::CountWorkers(arguments.Value("np").value_or(""), spec.train().lanes(), spec.threads_per_worker(), process::AllowedCores());
  if (!count.ok()) return WithVerbExit(count.status(), VerbExit::kUsage);
  return job::JobStoreOptions{.allow_config_change = arguments.Has("allow_config_change"),
                              .take_over = true,
                              .fresh_start = resume == "never",
                              .workers = count->workers,
                              .workers_min = count->min,
                              .workers_max = count->max};
}

void Announce(const job::JobStore& store, const v1::JobSpec& spec) {
  const int workers = store.record().workers_wanted();
  LogInfo(absl::StrCat("job ", store.job(), " ", spec.name(), ": ", workers, workers == 1 ? " worker" : " workers", ", run folder ",
                       store.folder().path(), "; Ctrl-C saves and stops"));
}

// Steps of the whole job.
StatusOr<int64_t> StepsOf(const v1::JobSpec& spec, const dataset::Index& train) {
  DEIT_ASSIGN_OR_RETURN(const plan::Sampler sampler, plan::SamplerOf(spec, static_cast<uint64_t>(train.size())));
  const auto steps = static_cast<int64_t>(sampler.StepsFor(static_cast<uint64_t>(spec.train().epochs())));
  return spec.train().max_steps() == 0 ? steps : std::min<int64_t>(steps, spec.train().max_steps());
}

// What run waits in. Made before the job is taken: from then on the signals that stop a job wait for its controller instead of ending the
// process, so that a job that others can see is also one that they can stop.
class SignalLoop {
 public:
  SignalLoop() { signals_.add(SIGHUP); }
  boost::asio::io_context& io() { return io_; }

  // Runs until the job has ended. INT, TERM and USR1 stop it gracefully, a second INT at once. HUP (the terminal has closed) is ignored.
  void Run(job::JobController* controller) {
    controller_ = controller;
    Await();
    io_.run();
  }
  void End() {
    ended_ = true;
    signals_.cancel();
  }
  bool interrupted() const { return interrupted_; }

 private:
  void Await() {
    if (ended_) return;
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (error || ended_) return;
      On(signal);
      Await();
    });
  }

  void On(int signal) {
    if (signal == SIGHUP) return LogInfo("the terminal has closed: the job goes on, and so does its supervision");
    const bool again = signal == SIGINT && interrupted_;
    interrupted_ = interrupted_ || signal == SIGINT;
    if (again) LogInfo("interrupted again: kills the workers; what was not saved is trained again");
    else if (!stopping_) LogInfo(signal == SIGINT ? kInterrupted : kStopped);
    stopping_ = true;
    controller_->Stop(again);
  }

  static constexpr char kInterrupted[] = "interrupted: the workers finish their step and save (Ctrl-C again: at once)";
  static constexpr char kStopped[] = "asked to stop: the workers finish their step and save";

  boost::asio::io_context io_;
  boost::asio::signal_set signals_{io_, SIGINT, SIGTERM, SIGUSR1};  // keeps what comes before anything waits for it
  job::JobController* controller_ = nullptr;
  bool interrupted_ = false, stopping_ = false, ended_ = false;
};

VerbExit ExitOf(const job::JobEnd& end, bool interrupted) {
  switch (end.state) {
    case v1::JobState::SUCCEEDED: return VerbExit::kDone;
    case v1::JobState::STOPPED:
      if (interrupted) return VerbExit::kInterrupted;
      return end.steps.lost() ? VerbExit::kNotSaved : VerbExit::kStoppedAndSaved;
    case v1::JobState::CANCELED: return VerbExit::kConflict;
    default: return VerbExit::kFailed;
  }
}

void ReportEnd(const job::JobEnd& end, const job::JobStore& store) {
  const std::string again = absl::StrCat("; go on with: deit-coord run --run_dir=", text::ShellWord(store.folder().path()));
  const std::string job = absl::StrCat("job ", store.job(), ": ");
  switch (end.state) {
    case v1::JobState::SUCCEEDED: return LogInfo(absl::StrCat(job, "done, ", store.record().restarts(), " restarts"));
    case v1::JobState::STOPPED: return LogInfo(absl::StrCat(job, job::DescribeStop(end.steps), again));
    case v1::JobState::CANCELED: return LogInfo(absl::StrCat(job, "canceled; ", job::DescribeStop(end.steps), again));
    default: return LogError(absl::StrCat(job, "failed; once the cause is removed", again.substr(1)));
  }
}

// The job of `store`, from its first attempt to its end.
StatusOr<VerbExit> Supervise(const v1::JobSpec& spec, const std::string& worker_program, launch::Launcher& launcher, job::JobStore* store,
                             SignalLoop* loop) {
  job::JobOptions options;
  options.policy = job::PolicyOf(spec, store->record().workers_wanted(), launcher);
  options.policy.host = process::Self().host();
  options.launch.program = worker_program;
  options.launch.cores = process::AllowedCores();
  options.launch.root = ::getuid() == 0;
  options.temporary_folder = [store](int attempt) { return supervise::AttemptTemporaryFolder(store->job(), attempt); };
  options.take_over = store->inherited_attempt();
  Announce(*store, spec);

  supervise::GuardedAttemptStarter starter(store->job(), launcher);
  supervise::ControlChannel channel(loop->io(), *store);
  job::TerminalObserver observer;
  const job::JobEnvironment environment{Clock::System(), files::FileSystem::Posix(), launcher, starter, channel, *store, observer};
  job::JobEnd end;
  const auto on_end = [&end, loop](const job::JobEnd& ended) {
    end = ended;
    loop->End();
  };
  const auto controller = job::JobController::Start(loop->io(), environment, std::move(options), on_end);
  if (!controller.ok()) return controller.status();
  loop->Run(controller->get());
  ReportEnd(end, *store);
  const VerbExit exit = ExitOf(end, loop->interrupted());
  store->record().set_exit_code(static_cast<int>(exit));
  store->Publish();
  return exit;
}

StatusOr<VerbExit> RunRun(const Arguments& arguments) {
  if (!arguments.words().empty()) {
    return UsageError(absl::StrCat("run: unexpected argument: ", arguments.words()[0]), "deit-coord run --config=FILE");
  }
  std::signal(SIGPIPE, SIG_IGN);  // training does not depend on who reads its messages
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec spec, LoadRunJob(arguments));
  DEIT_ASSIGN_OR_RETURN(const std::string worker_program, FindWorkerProgram());
  launch::MpirunLauncher launcher;
  DEIT_RETURN_IF_ERROR(launcher.Check());
  DEIT_ASSIGN_OR_RETURN(job::JobStoreOptions owning, ReadOptions(arguments, spec));
  DEIT_ASSIGN_OR_RETURN(const auto train, dataset::OpenIndex(spec, dataset::Split::kTrain, job::IndexFolder()));
  DEIT_ASSIGN_OR_RETURN(const job::JobDigest digest, job::DigestJob(spec, *train, owning.fresh_start));
  owning.init_from_digest = digest.init_from;
  DEIT_ASSIGN_OR_RETURN(const int64_t steps, StepsOf(spec, *train));
  if (!owning.fresh_start && job::IsFinished(files::FileSystem::Posix(), run::RunFolder(spec.run_dir()), digest.spec, steps)) {
    LogInfo(
        absl::StrCat("run_dir: ", spec.run_dir(), ": finished already, all ", steps, " steps are done; --resume=never trains it again"));
    return VerbExit::kDone;
  }
  if (const int nodes = launch::AllocatedNodes(); nodes > 1) {
    LogWarning(absl::StrCat("the batch system has given ", nodes, " nodes: deit-coord run uses this one alone"));
  }
  StartOutputQueue();  // nor does their supervision wait for that reader
  SignalLoop loop;
  DEIT_ASSIGN_OR_RETURN(const auto store, job::JobStore::Take(spec, digest.spec, owning));
  auto exit = Supervise(spec, worker_program, launcher, store.get(), &loop);
  if (!exit.ok() && !store->record().has_ended()) {
    store->End(v1::JobState::FAILED, std::string(exit.status().message()), std::string(exit.status().message()), HintOf(exit.status()));
  }
  if (exit.ok()) return exit;
  store->record().set_exit_code(static_cast<int>(VerbExit::kFailed));
  store->Publish();
  return WithVerbExit(exit.status(), VerbExit::kFailed);
}

}  // namespace

const Verb kRun{
    .name = "run",
    .summary = "train a job: launch, supervise, restart, report",
    .usage = {"run [--config=FILE] [--np=N|MIN:MAX] [--run_dir=DIR] [--resume=auto|never] [path=value ...]", "run --run_dir=DIR"},
    .examples = {"deit-coord run --config=configs/quickstart/student.textproto --np=2 train.epochs=1",
                 "deit-coord run --run_dir=runs/quickstart_student  # goes on with it, or takes it over"},
    .flags = {ConfigFlag(),
              {.name = "np",
               .value = "N|MIN:MAX",
               .help = "workers: exactly N, or as many as have cores within the bounds (default 1:train.lanes)"},
              {.name = "run_dir", .value = "DIR", .help = "run folder (default runs/NAME under the current folder)"},
              {.name = "resume", .value = "auto|never", .help = "go on from the newest good checkpoint (auto), or start fresh (never)"},
              {.name = "allow_config_change", .value = "", .help = "go on although the folder's job had other RESULT fields"}},
    .notes = {"the job, without --config: that of --run_dir, else deit.textproto in the current folder",
              "Ctrl-C, SIGTERM, SIGUSR1: the workers finish their step and save; Ctrl-C again: at once, unsaved steps are lost",
              "a run folder that still trains although its deit-coord was killed is taken over; one in use is refused",
              "exit: 0 done, 1 failed, 2 usage, 3 missing, 6 in use or canceled, 7 bad job, 75 stopped and saved (74: not all)",
              "DEIT_STATE_DIR: where status, logs, wait and cancel find the job (default ~/.local/state/deit)"},
    .run = RunRun,
};

}  // namespace deit::cli
