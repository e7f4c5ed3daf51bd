#include <sys/resource.h>

#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "worker/engine/numerics.h"
#include "worker/engine/torch_engine.h"
#include "worker/exchange/agreement.h"
#include "worker/tasks/job_setup.h"
#include "worker/tasks/tasks.h"
#include "worker/train/trainer.h"
#include "worker/train/workspace.h"

namespace deit::tasks {
namespace {

int64_t PageFaults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

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
            PageFaults(),
            trainer.bytes_sent()};
  }
};

void Print(const Reading& a, const Reading& b, const v1::JobSpec& spec, int workers, uint64_t steps, int64_t ring, bool json) {
  const double n = static_cast<double>(steps), ms = 1e3 / n;
  const double rate = n * spec.train().batch_size() / (b.seconds - a.seconds);
  const double faults = static_cast<double>(b.faults - a.faults) / n, bytes = static_cast<double>(b.bytes - a.bytes) / n;
  const std::pair<const char*, double> split[] = {{"data", b.data - a.data},
                                                  {"teacher", b.teacher - a.teacher},
                                                  {"forward", b.forward - a.forward},
                                                  {"backward", b.backward - a.backward},
                                                  {"communication", b.communication - a.communication},
                                                  {"optimizer", b.optimizer - a.optimizer},
                                                  {"checkpoint", 0.0}};
  if (json) {
    std::string parts;
    for (const auto& [name, seconds] : split) absl::StrAppendFormat(&parts, R"("%s": %.6g, )", name, seconds * ms);
    PrintLine(absl::StrFormat(
        R"({"model": "%s", "precision": "%s", "workers": %d, "batch_size": %d, "lanes": %d, "steps": %d, "images_per_second": %.6g, )"
        R"("step_ms": %.6g, "split_ms": {%s"total": %.6g}, "page_faults_per_step": %.6g, "bytes_sent_per_step": %.17g, "ring_bytes_per_step": %d})",
        spec.model().name(), v1::Precision_Name(spec.train().precision()), workers, spec.train().batch_size(), spec.train().lanes(), steps,
        rate, (b.seconds - a.seconds) * ms, parts, (b.seconds - a.seconds) * ms, faults, bytes, ring));
    return;
  }
  PrintLine(absl::StrFormat("%s %s: batch %d, %d lanes on %d worker%s, %d steps: %.1f images/s, %.1f ms/step", spec.model().name(),
                            v1::Precision_Name(spec.train().precision()), spec.train().batch_size(), spec.train().lanes(), workers,
                            workers == 1 ? "" : "s", steps, rate, (b.seconds - a.seconds) * ms));
  PrintLine("PART           MS/STEP   SHARE");
  for (const auto& [name, seconds] : split) {
    PrintLine(absl::StrFormat("%-13s  %-8.2f  %.1f%%", name, seconds * ms, 100 * seconds / (b.seconds - a.seconds)));
  }
  PrintLine(absl::StrFormat("worker 0, per step: %.0f page faults, %.0f bytes sent (a ring: %d)", faults, bytes, ring));
}

// What one worker needs besides its peers.
struct Inputs {
  v1::JobSpec spec;
  JobData data;
  std::unique_ptr<train::Engine> engine;
};

StatusOr<Inputs> OpenInputs(const Options& options) {
  Inputs in;
  DEIT_ASSIGN_OR_RETURN(in.spec, LoadJob(options));
  DEIT_ASSIGN_OR_RETURN(in.data, OpenData(in.spec));
  DEIT_RETURN_IF_ERROR(engine::SetThreads(in.spec.threads_per_worker()));
  DEIT_ASSIGN_OR_RETURN(in.engine, engine::NewTorchEngine(in.spec, true));
  return in;
}

}  // namespace

Status Benchmark(const Options& options, collective::Session& session) {
  auto inputs = OpenInputs(options);
  DEIT_RETURN_IF_ERROR(exchange::Agree(session.world(), SetupDeadline(), inputs.status(), "opening model and data"));
  const auto& [spec, data, engine] = *inputs;
  DEIT_ASSIGN_OR_RETURN(const auto workspace, train::Workspace::Form(session.world(), spec, 0, *engine));
  DEIT_RETURN_IF_ERROR(train::InitialiseWeights(workspace->state(), spec.train().seed()));
  train::Trainer trainer(spec, *data.stream, workspace->state(), *engine, 0);
  data::LoaderOptions loading;
  loading.lanes = workspace->team().plan().LanesOf(session.world().rank());
  loading.lane_count = spec.train().lanes();
  loading.batch_size = spec.train().batch_size();
  loading.end_step = options.warmup_steps + options.steps;
  loading.threads = spec.data().threads();
  DEIT_ASSIGN_OR_RETURN(const auto loader, data::Loader::Start(*data.stream, *data.train_views, loading));
  train::LoaderSource source(loader.get());
  Reading start = Reading::Of(trainer, *engine);
  for (uint64_t step = 0; step < loading.end_step; ++step) {
    if (step == options.warmup_steps) start = Reading::Of(trainer, *engine);
    DEIT_RETURN_IF_ERROR(trainer.Step(step, source, false).status());
  }
  const Reading end = Reading::Of(trainer, *engine);
  if (session.world().rank() == 0)
    Print(start, end, spec, session.world().size(), options.steps, workspace->team().plan().RingBytes(), options.json);
  return absl::OkStatus();
}

}  // namespace deit::tasks
