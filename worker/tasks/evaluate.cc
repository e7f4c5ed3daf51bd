#include <optional>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/log.h"
#include "common/checkpoint/set_reader.h"
#include "common/run/run_folder.h"
#include "worker/data/evaluation_chunks.h"
#include "worker/engine/numerics.h"
#include "worker/engine/torch_engine.h"
#include "worker/engine/weights_file.h"
#include "worker/exchange/agreement.h"
#include "worker/tasks/job_setup.h"
#include "worker/tasks/tasks.h"
#include "worker/train/buffer_state.h"
#include "worker/train/evaluator.h"
#include "worker/train/workspace.h"

namespace deit::tasks {
namespace {

using models::TensorRole;

// --weights, or the run folder's newest good checkpoint.
StatusOr<std::string> ChooseWeights(const Options& options, const v1::JobSpec& spec) {
  if (!options.weights.empty()) return options.weights;
  auto& fs = files::FileSystem::Posix();
  const std::string root = run::RunFolder(spec.run_dir()).Checkpoints();
  DEIT_ASSIGN_OR_RETURN(const auto sets, checkpoint::ListSets(fs, root));
  for (auto set = sets.rbegin(); set != sets.rend(); ++set) {
    if (set->state != checkpoint::SetState::kComplete) continue;
    const auto verified = checkpoint::VerifySet(fs, set->path);
    if (verified.ok()) return set->path;
    LogWarning(absl::StrCat("checkpoint of step ", set->step, " is not used: ", verified.status().message()));
  }
  return WithHint(absl::NotFoundError(absl::StrCat(root, ": no usable checkpoint")), "train first, or name a file with --weights=FILE");
}

Status LoadInto(const std::string& path, const train::JobState& state) {
  DEIT_ASSIGN_OR_RETURN(const auto weights, engine::WeightsFile::Open(path, *state.tensors));
  for (size_t t = 0; t < state.tensors->size(); ++t) {
    const int64_t offset = state.buffers->offset_of(static_cast<int>(t));
    if (offset >= 0) DEIT_RETURN_IF_ERROR(weights.Read(t, state.buffers->values() + offset));
  }
  return train::FillWeights(state, [&](size_t t, float* out) { return weights.Read(t, out); });
}

void Print(const train::EvaluationCounts& counts, const std::string& weights, bool json) {
  const auto percent = [&](int64_t correct) { return train::Percent(correct, counts.images); };
  const double loss = counts.loss / static_cast<double>(counts.images);
  if (json) {
    PrintLine(absl::StrFormat(R"({"images": %d, "acc1": %.17g, "acc5": %.17g, "acc1_head": %.17g, "acc1_head_dist": %.17g, "loss": %.17g})", counts.images,
                              percent(counts.correct_fused), percent(counts.correct5_fused), percent(counts.correct_head),
                              percent(counts.correct_dist), loss));
    return;
  }
  PrintLine(absl::StrFormat("%s: %d images, loss %.4g", weights, counts.images, loss));
  PrintLine(absl::StrFormat("HEAD       ACC1   ACC5"));
  PrintLine(absl::StrFormat("class      %-5.2f  -", percent(counts.correct_head)));
  PrintLine(absl::StrFormat("distilled  %-5.2f  -", percent(counts.correct_dist)));
  PrintLine(absl::StrFormat("fused      %-5.2f  %.2f", percent(counts.correct_fused), percent(counts.correct5_fused)));
}

}  // namespace

Status Evaluate(const Options& options, collective::Session& session) {
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec spec, LoadJob(options));
  DEIT_ASSIGN_OR_RETURN(const std::string path, ChooseWeights(options, spec));
  DEIT_RETURN_IF_ERROR(engine::SetThreads(spec.threads_per_worker()));
  DEIT_ASSIGN_OR_RETURN(const auto index, dataset::OpenIndex(spec, dataset::Split::kValidation));
  DEIT_ASSIGN_OR_RETURN(const auto views, data::NewEvaluationViews(spec, *index));
  DEIT_ASSIGN_OR_RETURN(const auto engine, engine::NewTorchEngine(spec, false));
  DEIT_ASSIGN_OR_RETURN(const auto workspace, train::Workspace::Form(session.world(), spec, index->size(), *engine));
  DEIT_RETURN_IF_ERROR(LoadInto(path, workspace->state()));
  data::EvaluationChunks chunks(*views, index->size(), spec.evaluate().batch_size(), spec.data().threads());
  DEIT_ASSIGN_OR_RETURN(const auto counts, train::Evaluate(chunks, *engine, workspace->team()));
  if (session.world().rank() == 0) Print(counts, path, options.json);
  return absl::OkStatus();
}

}  // namespace deit::tasks
