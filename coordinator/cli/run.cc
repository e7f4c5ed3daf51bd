// `deit-coord run`: a job from its first attempt to its end, whatever happens in between.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "absl/strings/str_split.h"
#include "common/base/log.h"
#include "common/dataset/index.h"
#include "common/files/operations.h"
#include "common/job/job_digest.h"
#include "common/job/job_store.h"
#include "common/job/state_folder.h"
#include "common/spec/load.h"
#include "coordinator/cli/job_arguments.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/supervise/supervisor.h"
#include "coordinator/supervise/take_over.h"
#include "coordinator/supervise/worker_count.h"

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

Status CheckMpirun() {
  const char* path = std::getenv("PATH");
  for (const absl::string_view folder : absl::StrSplit(path != nullptr ? path : "", ':')) {
    if (::access(absl::StrCat(folder, "/mpirun").c_str(), X_OK) == 0) return absl::OkStatus();
  }
  return WithHint(absl::NotFoundError("mpirun: not found in PATH: it starts the workers"), "./launch/setup.sh installs it");
}

// The job of --config; without it, the one that the run folder already holds.
StatusOr<v1::JobSpec> LoadRunJob(const Arguments& arguments) {
  std::string config = arguments.Value("config").value_or("");
  std::vector<std::string> overrides = arguments.overrides();
  if (const auto run_dir = arguments.Value("run_dir")) {
    overrides.push_back(absl::StrCat("run_dir=", *run_dir));
    if (config.empty()) config = run::RunFolder(*run_dir).Config();
  }
  if (config.empty())
    return UsageError("run: --config=FILE is missing", "deit-coord run --config=configs/quickstart/student.textproto --np=2");
  DEIT_ASSIGN_OR_RETURN(const bool exists, files::Exists(files::FileSystem::Posix(), config));
  if (!exists) return absl::NotFoundError(absl::StrCat("job file: ", config, ": not there"));
  return spec::LoadSpec(config, overrides);
}

StatusOr<job::JobStoreOptions> ReadOptions(const Arguments& arguments, const v1::JobSpec& spec) {
  const std::string resume = arguments.Value("resume").value_or("auto");
  if (resume != "auto" && resume != "never") return UsageError(absl::StrCat("--resume: ", resume, ": want auto or never"));
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const auto count = supervise::CountWorkers(arguments.Value("np").value_or(""), spec.train().lanes(), spec.threads_per_worker(), cores);
  if (!count.ok()) return WithVerbExit(count.status(), VerbExit::kUsage);
  return job::JobStoreOptions{.allow_config_change = arguments.Has("allow_config_change"),
                              .take_over = true,
                              .fresh_start = resume == "never",
                              .workers = count->workers,
                              .workers_min = count->min,
                              .workers_max = count->max};
}

void Announce(const job::JobStore& owner, const v1::JobSpec& spec) {
  const int workers = owner.record().workers_wanted();
  LogInfo(absl::StrCat("job ", owner.job(), " ", spec.name(), ": ", workers, workers == 1 ? " worker" : " workers", ", run folder ",
                       owner.folder().path(), "; Ctrl-C saves and stops"));
}

VerbExit ExitOf(const supervise::JobEnd& end) {
  switch (end.state) {
    case v1::JobState::SUCCEEDED: return VerbExit::kDone;
    case v1::JobState::STOPPED: return end.interrupted ? VerbExit::kInterrupted : VerbExit::kStoppedAndSaved;
    case v1::JobState::CANCELED: return VerbExit::kConflict;
    default: return VerbExit::kFailed;
  }
}

void SayEnd(const supervise::JobEnd& end, const job::JobStore& owner) {
  const std::string again = absl::StrCat("; go on with: deit-coord run --run_dir=", owner.folder().path());
  const std::string job = absl::StrCat("job ", owner.job(), ": ");
  switch (end.state) {
    case v1::JobState::SUCCEEDED: return LogInfo(absl::StrCat(job, "done, ", owner.summary().restarts(), " restarts"));
    case v1::JobState::STOPPED: return LogInfo(absl::StrCat(job, "stopped, everything is saved", again));
    case v1::JobState::CANCELED: return LogInfo(absl::StrCat(job, "canceled, everything is saved", again));
    default: return LogError(absl::StrCat(job, "failed", again));
  }
}

StatusOr<VerbExit> RunRun(const Arguments& arguments) {
  if (!arguments.words().empty()) return UsageError(absl::StrCat("run: not known: ", arguments.words()[0]));
  std::signal(SIGPIPE, SIG_IGN);  // training does not depend on who reads its messages
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec spec, LoadRunJob(arguments));
  DEIT_ASSIGN_OR_RETURN(const std::string worker_program, FindWorkerProgram());
  DEIT_RETURN_IF_ERROR(CheckMpirun());
  DEIT_ASSIGN_OR_RETURN(const job::JobStoreOptions owning, ReadOptions(arguments, spec));
  DEIT_ASSIGN_OR_RETURN(const auto train, dataset::OpenIndex(spec, dataset::Split::kTrain, job::IndexFolder()));
  DEIT_ASSIGN_OR_RETURN(const std::string digest, job::DigestJob(spec, *train));
  supervise::EventLoop loop;
  DEIT_ASSIGN_OR_RETURN(const auto owner, job::JobStore::Take(spec, digest, owning));
  supervise::SupervisorOptions options{
      .spec = &spec, .owner = owner.get(), .loop = &loop, .worker_program = worker_program, .take_over = {}};
  DEIT_ASSIGN_OR_RETURN(options.take_over, supervise::FindAbandonedAttempt(*owner));
  Announce(*owner, spec);
  DEIT_ASSIGN_OR_RETURN(const supervise::JobEnd end, supervise::Supervise(options));
  SayEnd(end, *owner);
  owner->record().set_exit_code(static_cast<int>(ExitOf(end)));
  owner->Publish();
  return ExitOf(end);
}

}  // namespace

const Verb kRun{
    .name = "run",
    .summary = "train a job: launch, supervise, restart, report",
    .usage = {"run --config=FILE [--np=N|MIN:MAX] [--run_dir=DIR] [--resume=auto|never] [path=value ...]", "run --run_dir=DIR"},
    .examples = {"deit-coord run --config=configs/quickstart/student.textproto --np=2 train.epochs=1",
                 "deit-coord run --run_dir=runs/quickstart_student  # goes on with it, or takes it over"},
    .flags = {ConfigFlag(),
              {.name = "np", .value = "N|MIN:MAX", .help = "workers: exactly N, or as many as have cores (default 1:lanes)"},
              {.name = "run_dir", .value = "DIR", .help = "run folder (default runs/NAME under the current folder)"},
              {.name = "resume", .value = "auto|never", .help = "go on from the newest good checkpoint (auto), or begin anew (never)"},
              {.name = "allow_config_change", .value = "", .help = "go on although the folder's job had other RESULT fields"}},
    .run = RunRun,
};

}  // namespace deit::cli
