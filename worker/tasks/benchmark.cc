#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/json/message_json.h"
#include "common/models/model_catalog.h"
#include "common/process/own_usage.h"
#include "proto/benchmark.pb.h"
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

// Totals at one moment; the difference of two is what happened in between.
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

// The student's operations for one image: forward, and twice as many backward.
double TrainingFlops(const v1::ModelSpec& model) { return 3 * 2 * models::MacCount(model); }

// Everything but ring bytes and the peak of matrix products.
v1::BenchmarkReport Compare(const Reading& a, const Reading& b, const v1::JobSpec& spec, int workers, uint64_t steps) {
  const double n = static_cast<double>(steps), ms = 1e3 / n;
  v1::BenchmarkReport report;
  report.set_model(spec.model().name());
  report.set_precision(v1::Precision_Name(spec.train().precision()));
  report.set_workers(workers);
  report.set_batch_size(spec.train().batch_size());
  report.set_lanes(spec.train().lanes());
  report.set_steps(steps);
  report.set_images_per_second(n * spec.train().batch_size() / (b.seconds - a.seconds));
  report.set_step_ms((b.seconds - a.seconds) * ms);
  v1::StepSplit& split = *report.mutable_split_ms();
  split.set_data((b.data - a.data) * ms);
  split.set_teacher((b.teacher - a.teacher) * ms);
  split.set_forward((b.forward - a.forward) * ms);
  split.set_backward((b.backward - a.backward) * ms);
  split.set_communication((b.communication - a.communication) * ms);
  split.set_optimizer((b.optimizer - a.optimizer) * ms);
  split.set_total(report.step_ms());
  report.set_page_faults_per_step(static_cast<double>(b.faults - a.faults) / n);
  report.set_bytes_sent_per_step(static_cast<double>(b.bytes - a.bytes) / n);
  report.set_gflops_per_worker(report.images_per_second() / workers * TrainingFlops(spec.model()) * 1e-9);
  return report;
}

void PrintTable(const v1::BenchmarkReport& report) {
  PrintLine(absl::StrFormat("%s %s: batch %d, %d lanes on %d worker%s, %d steps: %.1f images/s, %.1f ms/step", report.model(),
                            report.precision(), report.batch_size(), report.lanes(), report.workers(), report.workers() == 1 ? "" : "s",
                            report.steps(), report.images_per_second(), report.step_ms()));
  PrintLine("PART           MS/STEP   SHARE");
  const v1::StepSplit& split = report.split_ms();
  const std::pair<const char*, double> parts[] = {{"data", split.data()},
                                                  {"teacher", split.teacher()},
                                                  {"forward", split.forward()},
                                                  {"backward", split.backward()},
                                                  {"communication", split.communication()},
                                                  {"optimizer", split.optimizer()},
                                                  {"checkpoint", split.checkpoint()}};
  for (const auto& [name, ms] : parts) PrintLine(absl::StrFormat("%-13s  %-8.2f  %.1f%%", name, ms, 100 * ms / report.step_ms()));
  PrintLine(absl::StrFormat("each worker: %.1f GFLOP/s of the student's, %.0f%% of the %.1f that large matrix products reach",
                            report.gflops_per_worker(), 100 * report.gemm_share(), report.gemm_peak_gflops()));
  PrintLine(absl::StrFormat("worker 0, per step: %.0f page faults, %.0f bytes sent (a ring: %d)", report.page_faults_per_step(),
                            report.bytes_sent_per_step(), report.ring_bytes_per_step()));
}

void Print(const v1::BenchmarkReport& report, bool json) {
  if (json) return PrintLine(json::ToSpacedJsonLine(report));
  PrintTable(report);
}

// The inputs of one worker.
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
  WarnOfProcessor(spec, session.world());
  WarnOfMemory(spec, session.world());
  DEIT_ASSIGN_OR_RETURN(const auto training_state, train::TrainingState::Form(session.world(), spec, 0, *engine));
  DEIT_RETURN_IF_ERROR(state::InitialiseWeights(training_state->state(), spec.train().seed()));
  train::Trainer trainer(spec, *data.sampler, training_state->state(), *engine, 0);
  const plan::LaneRun lanes = training_state->worker_group().plan().LanesOf(session.world().rank());
  const data::LoaderOptions loading = data::LoaderOptionsOf(spec, lanes, 0, options.warmup_steps + options.steps);
  DEIT_ASSIGN_OR_RETURN(const auto loader, data::Loader::Start(*data.sampler, *data.train_views, loading));
  train::LoaderSource source(loader.get());
  Reading start = Reading::Of(trainer, *engine);
  for (uint64_t step = 0; step < loading.end_step; ++step) {
    if (step == options.warmup_steps) start = Reading::Of(trainer, *engine);
    DEIT_RETURN_IF_ERROR(trainer.Step(step, source, [] { return train::StepEnd::kGoOn; }).status());
  }
  v1::BenchmarkReport report = Compare(start, Reading::Of(trainer, *engine), spec, session.world().size(), options.steps);
  report.set_ring_bytes_per_step(training_state->worker_group().plan().RingBytes());
  report.set_gemm_peak_gflops(engine::GemmPeak(spec.train().precision()) * 1e-9);
  report.set_gemm_share(report.gflops_per_worker() / report.gemm_peak_gflops());
  if (session.world().rank() == 0) Print(report, options.json);
  return absl::OkStatus();
}

}  // namespace deit::tasks
