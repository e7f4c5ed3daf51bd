#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/models/model_catalog.h"
#include "common/process/own_usage.h"
#include "worker/engine/gemm_peak.h"
#include "worker/engine/numerics.h"
#include "worker/engine/torch_engine.h"
#include "worker/exchange/agreement.h"
#include "worker/tasks/job_setup.h"
#include "worker/tasks/tasks.h"
#include "worker/train/trainer.h"
#include "worker/train/training_state.h"

namespace deit::tasks {
namespace {

// Totals at one moment; differences of two are what happened between.
struct Reading {
  double seconds, data, teacher, forward, backward, communication, optimizer;
  int64_t faults, bytes;

  static Reading Of(const train::Trainer& trainer, const train::Engine& engine) {
    return {absl::ToDoubleSeconds(Clock::System().Elapsed()),
            trainer.times().data,
            engine.times().teacher,
            engine.times().forward,
            engine.times().backward,
            trainer.times().communication,
            trainer.times().optimizer,
            process::PageFaults(),
            trainer.bytes_sent()};
  }
};

// What is printed: of the whole job, or of worker 0 where it says so.
struct Figures {
  const v1::JobSpec& spec;
  int workers;
  uint64_t steps;
  double images_per_second = 0, step_ms = 0;
  std::vector<std::pair<const char*, double>> split_ms{};  // of worker 0
  double page_faults = 0, bytes_sent = 0;                  // of worker 0, per step
  int64_t ring_bytes = 0;                                  // what a ring would send
  double gflops = 0, gemm_peak_gflops = 0;                 // per worker and second: the student's, and worker 0's in matrix products alone
};

// The student's operations for one image: forward, and twice as many backward.
double TrainingFlops(const v1::ModelSpec& model) { return 3 * 2 * models::MacCount(model); }

Figures Compare(const Reading& a, const Reading& b, const v1::JobSpec& spec, int workers, uint64_t steps) {
  const double n = static_cast<double>(steps), ms = 1e3 / n;
  Figures f{spec, workers, steps};
  f.images_per_second = n * spec.train().batch_size() / (b.seconds - a.seconds);
  f.step_ms = (b.seconds - a.seconds) * ms;
  f.split_ms = {{"data", (b.data - a.data) * ms},
                {"teacher", (b.teacher - a.teacher) * ms},
                {"forward", (b.forward - a.forward) * ms},
                {"backward", (b.backward - a.backward) * ms},
                {"communication", (b.communication - a.communication) * ms},
                {"optimizer", (b.optimizer - a.optimizer) * ms},
                {"checkpoint", 0.0}};
  f.page_faults = static_cast<double>(b.faults - a.faults) / n;
  f.bytes_sent = static_cast<double>(b.bytes - a.bytes) / n;
  f.gflops = f.images_per_second / workers * TrainingFlops(spec.model()) * 1e-9;
  return f;
}

void PrintJson(const Figures& f) {
  std::string parts;
  for (const auto& [name, ms] : f.split_ms) absl::StrAppendFormat(&parts, R"("%s": %.6g, )", name, ms);
  PrintLine(absl::StrFormat(
      R"({"model": "%s", "precision": "%s", "workers": %d, "batch_size": %d, "lanes": %d, "steps": %d, "images_per_second": %.6g, )"
      R"("step_ms": %.6g, "split_ms": {%s"total": %.6g}, "page_faults_per_step": %.6g, "bytes_sent_per_step": %.17g, )"
      R"("ring_bytes_per_step": %d, "gflops_per_worker": %.6g, "gemm_peak_gflops": %.6g, "gemm_share": %.6g})",
      f.spec.model().name(), v1::Precision_Name(f.spec.train().precision()), f.workers, f.spec.train().batch_size(), f.spec.train().lanes(),
      f.steps, f.images_per_second, f.step_ms, parts, f.step_ms, f.page_faults, f.bytes_sent, f.ring_bytes, f.gflops, f.gemm_peak_gflops,
      f.gflops / f.gemm_peak_gflops));
}

void PrintTable(const Figures& f) {
  PrintLine(absl::StrFormat("%s %s: batch %d, %d lanes on %d worker%s, %d steps: %.1f images/s, %.1f ms/step", f.spec.model().name(),
                            v1::Precision_Name(f.spec.train().precision()), f.spec.train().batch_size(), f.spec.train().lanes(), f.workers,
                            f.workers == 1 ? "" : "s", f.steps, f.images_per_second, f.step_ms));
  PrintLine("PART           MS/STEP   SHARE");
  for (const auto& [name, ms] : f.split_ms) PrintLine(absl::StrFormat("%-13s  %-8.2f  %.1f%%", name, ms, 100 * ms / f.step_ms));
  PrintLine(absl::StrFormat("each worker: %.1f GFLOP/s of the student's, %.0f%% of the %.1f that large matrix products reach", f.gflops,
                            100 * f.gflops / f.gemm_peak_gflops, f.gemm_peak_gflops));
  PrintLine(
      absl::StrFormat("worker 0, per step: %.0f page faults, %.0f bytes sent (a ring: %d)", f.page_faults, f.bytes_sent, f.ring_bytes));
}

// What one worker needs besides its peers.
struct BenchmarkInputs {
  v1::JobSpec spec;
  JobData data;
  std::unique_ptr<train::Engine> engine;
};

StatusOr<BenchmarkInputs> OpenBenchmarkInputs(const Options& options) {
  BenchmarkInputs in;
  DEIT_ASSIGN_OR_RETURN(in.spec, LoadJob(options));
  DEIT_ASSIGN_OR_RETURN(in.data, OpenData(in.spec));
  DEIT_RETURN_IF_ERROR(engine::SetThreads(in.spec.threads_per_worker()));
  DEIT_ASSIGN_OR_RETURN(in.engine, engine::NewTorchEngine(in.spec, engine::Use::kTraining));
  return in;
}

}  // namespace

Status Benchmark(const Options& options, collective::Session& session) {
  auto inputs = OpenBenchmarkInputs(options);
  DEIT_RETURN_IF_ERROR(exchange::Agree(session.world(), SetupDeadline(), inputs.status(), "opening model and data"));
  const auto& [spec, data, engine] = *inputs;
  DEIT_ASSIGN_OR_RETURN(const auto training_state, train::TrainingState::Form(session.world(), spec, 0, *engine));
  DEIT_RETURN_IF_ERROR(state::InitialiseWeights(training_state->state(), spec.train().seed()));
  train::Trainer trainer(spec, *data.stream, training_state->state(), *engine, 0);
  const plan::LaneRun lanes = training_state->worker_group().plan().LanesOf(session.world().rank());
  const data::LoaderOptions loading = data::LoaderOptionsOf(spec, lanes, 0, options.warmup_steps + options.steps);
  DEIT_ASSIGN_OR_RETURN(const auto loader, data::Loader::Start(*data.stream, *data.train_views, loading));
  train::LoaderSource source(loader.get());
  Reading start = Reading::Of(trainer, *engine);
  for (uint64_t step = 0; step < loading.end_step; ++step) {
    if (step == options.warmup_steps) start = Reading::Of(trainer, *engine);
    DEIT_RETURN_IF_ERROR(trainer.Step(step, source, false).status());
  }
  Figures figures = Compare(start, Reading::Of(trainer, *engine), spec, session.world().size(), options.steps);
  figures.ring_bytes = training_state->worker_group().plan().RingBytes();
  figures.gemm_peak_gflops = engine::GemmPeak(spec.train().precision()) * 1e-9;
  if (session.world().rank() == 0) options.json ? PrintJson(figures) : PrintTable(figures);
  return absl::OkStatus();
}

}  // namespace deit::tasks
