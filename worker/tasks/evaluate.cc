#include <optional>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/log.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/checkpoint/weights_content.h"
#include "common/job/state_folder.h"
#include "common/json/message_json.h"
#include "common/run/run_folder.h"
#include "proto/evaluation.pb.h"
#include "worker/data/evaluation_chunks.h"
#include "worker/engine/numerics.h"
#include "worker/engine/torch_engine.h"
#include "worker/exchange/agreement.h"
#include "worker/tasks/average_weights.h"
#include "worker/tasks/initial_weights.h"
#include "worker/tasks/job_setup.h"
#include "worker/tasks/tasks.h"
#include "worker/train/evaluator.h"
#include "worker/train/report_text.h"
#include "worker/train/training_state.h"

namespace deit::tasks {
namespace {

// --weights, or the run folder's newest good checkpoint.
StatusOr<std::string> ChooseWeights(const Options& options, const v1::JobSpec& spec) {
  if (!options.weights.empty()) {
    const Status good = checkpoint::VerifyIfCheckpoint(options.weights);
    return good.ok() ? StatusOr<std::string>(options.weights) : Annotate(good, "--weights");
  }
  auto& fs = files::FileSystem::Posix();
  const std::string root = run::RunFolder(spec.run_dir()).Checkpoints();
  DEIT_ASSIGN_OR_RETURN(const auto sets, checkpoint::ListCheckpoints(fs, root));
  for (auto set = sets.rbegin(); set != sets.rend(); ++set) {
    if (set->state != checkpoint::CheckpointState::kComplete) continue;
    const auto verified = checkpoint::VerifyCheckpoint(fs, set->path);
    if (verified.ok()) return set->path;
    LogWarning(absl::StrCat("checkpoint of step ", set->step, " is not used: ", verified.status().message()));
  }
  return WithHint(absl::NotFoundError(absl::StrCat(root, ": no usable checkpoint")), "train first, or name a file with --weights=FILE");
}

// The inputs of one worker.
struct EvaluationInputs {
  v1::JobSpec spec;
  std::string weights;
  std::unique_ptr<dataset::Index> index;
  std::unique_ptr<data::ViewSource> views;
  std::unique_ptr<train::Engine> engine;
  std::vector<std::string> notes;  // about the teacher
};

StatusOr<EvaluationInputs> OpenEvaluationInputs(const Options& options) {
  EvaluationInputs in;
  DEIT_ASSIGN_OR_RETURN(in.spec, LoadJob(options));
  DEIT_ASSIGN_OR_RETURN(in.weights, ChooseWeights(options, in.spec));
  DEIT_RETURN_IF_ERROR(engine::SetThreads(in.spec.threads_per_worker()));
  DEIT_ASSIGN_OR_RETURN(in.index, dataset::OpenIndex(in.spec, dataset::Split::kValidation, job::IndexFolder()));
  DEIT_ASSIGN_OR_RETURN(in.views, data::NewEvaluationViews(in.spec, *in.index));
  const engine::Use use = options.report ? engine::Use::kReport : engine::Use::kEvaluation;
  DEIT_ASSIGN_OR_RETURN(in.engine, engine::NewTorchEngine(in.spec, use, &in.notes));
  return in;
}

v1::Evaluation Describe(const train::EvaluationCounts& counts) {
  const auto percent = [&](int64_t correct) { return train::Percent(correct, counts.images); };
  v1::Evaluation evaluation;
  evaluation.set_images(counts.images);
  evaluation.set_acc1(percent(counts.correct_fused));
  evaluation.set_acc5(percent(counts.correct5_fused));
  evaluation.set_acc1_head(percent(counts.correct_head));
  evaluation.set_acc1_head_dist(percent(counts.correct_dist));
  evaluation.set_loss(counts.loss / static_cast<double>(counts.images));
  return evaluation;
}

void Print(const v1::Evaluation& evaluation, const std::string& weights, bool json) {
  if (json) return PrintLine(json::ToSpacedJsonLine(evaluation));
  PrintLine(absl::StrFormat("%s: %d images, loss %.4g", weights, evaluation.images(), evaluation.loss()));
  PrintLine("HEAD       ACC1   ACC5");
  PrintLine(absl::StrFormat("class      %-5.2f  -", evaluation.acc1_head()));
  PrintLine(absl::StrFormat("distilled  %-5.2f  -", evaluation.acc1_head_dist()));
  PrintLine(absl::StrFormat("fused      %-5.2f  %.2f", evaluation.acc1(), evaluation.acc5()));
}

void Print(const train::EvaluationReport& report, const std::string& weights, bool json) {
  if (json) return PrintLine(json::ToSpacedJsonLine(train::ReportMessage(report)));
  PrintLine(absl::StrFormat("%s: %d images", weights, report.images()));
  for (const std::string& line : train::ReportLines(report)) PrintLine(line);
}

}  // namespace

Status Evaluate(const Options& options, collective::Session& session) {
  auto in = OpenEvaluationInputs(options);
  DEIT_RETURN_IF_ERROR(exchange::Agree(session.world(), SetupDeadline(), in.status(), "opening model and data"));
  WarnOfProcessor(in->spec, session.world());
  const bool reports = session.world().rank() == 0;
  for (const std::string& note : in->notes) {
    if (reports) LogInfo(absl::StrCat("teacher: ", note));
  }
  DEIT_ASSIGN_OR_RETURN(const auto training_state, train::TrainingState::Form(session.world(), in->spec, in->index->size(), *in->engine,
                                                                              train::kBucketElements, train::Purpose::kEvaluation));
  const state::JobState& state = training_state->state();
  const Status loaded = options.ema ? LoadAverage(in->weights, state) : LoadWeights(in->weights, in->spec, state);
  if (!loaded.ok()) return options.weights.empty() ? loaded : Annotate(loaded, "--weights");
  data::EvaluationChunks chunks(*in->views, in->index->size(), in->spec.evaluate().batch_size(), in->spec.data().threads());
  if (options.report) {
    DEIT_ASSIGN_OR_RETURN(const auto report, train::Report(chunks, *in->engine, training_state->worker_group()));
    if (reports) Print(report, in->weights, options.json);
    return absl::OkStatus();
  }
  DEIT_ASSIGN_OR_RETURN(const auto counts, train::Evaluate(chunks, *in->engine, training_state->worker_group()));
  if (reports) Print(Describe(counts), in->weights, options.json);
  return absl::OkStatus();
}

}  // namespace deit::tasks
