#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/dataset/warnings.h"
#include "common/job/job_digest.h"
#include "common/process/message_copy.h"
#include "common/process/signals.h"
#include "common/run/error_report.h"
#include "common/spec/warnings.h"
#include "worker/engine/numerics.h"
#include "worker/engine/torch_engine.h"
#include "worker/exchange/agreement.h"
#include "worker/tasks/initial_weights.h"
#include "worker/tasks/job_setup.h"
#include "worker/tasks/tasks.h"
#include "worker/train/attempt.h"
#include "worker/train/stop_while_loading.h"

namespace deit::tasks {
namespace {

// The data and the job's digest, which weights are read for.
struct LoadedInputs {
  JobData data;
  job::JobDigest digest;
};

StatusOr<LoadedInputs> LoadInputs(const v1::JobSpec& spec, const Options& options, collective::Session& session) {
  const train::StopWhileLoading watchdog(process::StopRequested, train::kLoadingGrace, [&session] {
    LogInfo("stopped before training began: nothing is lost");
    session.Abort(ExitCode::kStoppedAndSaved);
  });
  const auto deadline = PhaseDeadline(spec);
  LoadedInputs inputs;
  options.worker_progress->Report("open data");
  auto data = OpenData(spec);
  DEIT_RETURN_IF_ERROR(exchange::Agree(session.world(), deadline, data.status(), "opening the data"));
  inputs.data = *std::move(data);
  options.worker_progress->Report("read weights");
  auto digest = job::DigestJob(spec, *inputs.data.train, options.job.resume == train::Resume::kNever);
  DEIT_RETURN_IF_ERROR(exchange::Agree(session.world(), deadline, digest.status(), "reading weights"));
  inputs.digest = *std::move(digest);
  return inputs;
}

// Everything that can go wrong with one worker's inputs goes wrong for all, before any worker waits in training.
StatusOr<std::unique_ptr<train::Engine>> BuildEngine(const v1::JobSpec& spec, int worker) {
  DEIT_RETURN_IF_ERROR(engine::SetThreads(spec.threads_per_worker()));
  std::vector<std::string> notes;
  auto engine = engine::NewTorchEngine(spec, engine::Use::kTraining, &notes);
  if (worker == 0) {
    for (const std::string& note : notes) LogInfo(absl::StrCat("teacher: ", note));
  }
  return engine;
}

Status StartWeights(const v1::JobSpec& spec, const state::JobState& state) {
  if (spec.model().init_from().empty()) return state::InitialiseWeights(state, spec.train().seed());
  return Annotate(LoadWeights(spec.model().init_from(), spec, state), "model.init_from");
}

Status RunAttempt(const Options& options, collective::Communicator& world, const v1::JobSpec& spec, const train::Attempt& attempt,
                  const std::string& spec_digest, const JobData& data) {
  const auto deadline = PhaseDeadline(spec);
  WarnOfProcessor(spec, world);
  WarnOfMemory(spec, world);
  options.worker_progress->Report("build model");
  auto engine = BuildEngine(spec, world.rank());
  DEIT_RETURN_IF_ERROR(exchange::Agree(world, deadline, engine.status(), "building the model"));
  const train::JobInputs inputs{&spec,
                                spec_digest,
                                data.sampler.get(),
                                data.train_views.get(),
                                data.evaluation_views.get(),
                                data.validation->size(),
                                engine->get(),
                                [&spec](const state::JobState& state) { return StartWeights(spec, state); }};
  return train::RunJob(world, attempt, inputs, options.job, *options.worker_progress);
}

}  // namespace

Status Train(const Options& options, collective::Session& session) {
  collective::Communicator& world = session.world();
  const auto spec = LoadJob(options);
  const auto deadline = spec.ok() ? PhaseDeadline(*spec) : SetupDeadline();
  DEIT_RETURN_IF_ERROR(exchange::Agree(world, deadline, spec.status(), "reading the job"));
  DEIT_ASSIGN_OR_RETURN(const LoadedInputs inputs, LoadInputs(*spec, options, session));
  DEIT_ASSIGN_OR_RETURN(train::Attempt attempt,
                        train::OpenAttempt(world, deadline, *spec, inputs.digest.spec,
                                           {options.job.allow_config_change, options.job.resume == train::Resume::kNever,
                                            inputs.digest.init_from, options.attempt},
                                           *options.worker_progress));

  const int worker = world.rank();
  auto copy = process::MessageCopy::Start(attempt.folder.Stdout(attempt.number, worker), attempt.folder.Stderr(attempt.number, worker));
  const Status opened = exchange::Agree(world, deadline, WithExitCode(copy.status(), ExitCode::kRunFolder), "opening logs");
  if (!opened.ok() && attempt.owner) attempt.owner->Finish(opened);
  DEIT_RETURN_IF_ERROR(opened);
  *options.message_copy = *std::move(copy);  // how this task ended is said after it
  if (worker == 0) {
    for (const std::string& warning : dataset::Warnings(*spec, *inputs.data.train)) LogWarning(warning);
    for (const std::string& warning : spec::Warnings(*spec)) LogWarning(warning);
  }
  Status status = RunAttempt(options, world, *spec, attempt, inputs.digest.spec, inputs.data);
  const ExitCode code = ExitCodeOf(status);
  if (code == ExitCode::kPeerLost) status = WithHint(std::move(status), "run again: training goes on from the newest checkpoint");
  if (!EndedWell(code)) {
    const auto error = run::MakeWorkerError(
        status, {worker, attempt.number, static_cast<int64_t>(options.worker_progress->steps_done()), options.worker_progress->phase()},
        absl::Now());
    const Status written = run::WriteWorkerError(files::FileSystem::Posix(), attempt.folder.Error(attempt.number, worker), error);
    if (!written.ok()) LogWarning(written.message());
  }
  attempt.keeper.reset();
  if (attempt.owner) attempt.owner->Finish(status);
  return status;
}

}  // namespace deit::tasks
