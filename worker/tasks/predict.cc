#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <map>

#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/checkpoint/safetensors.h"
#include "common/files/operations.h"
#include "common/models/model_tensors.h"
#include "worker/engine/numerics.h"
#include "worker/nn/frozen_model.h"
#include "worker/tasks/job_setup.h"
#include "worker/tasks/tasks.h"
#include "worker/weights/weights_file.h"

namespace deit::tasks {
namespace {

using checkpoint::Dtype;

Status Need(const std::string& value, const char* flag, const char* meaning) {
  if (!value.empty()) return absl::OkStatus();
  return WithHint(
      absl::InvalidArgumentError(absl::StrCat(flag, ": missing: ", meaning)),
      "deit-worker --task=predict model.name=deit_tiny_patch16_224 --weights=w.safetensors --input=x.safetensors --output=y.safetensors");
}

StatusOr<at::Tensor> ReadImages(const std::string& path, const v1::ModelSpec& model) {
  DEIT_ASSIGN_OR_RETURN(const auto file, checkpoint::SafetensorsFile::Open(files::FileSystem::Posix(), path));
  const auto* x = file.Find("x");
  if (!x) return absl::NotFoundError(absl::StrCat(path, ": x: no such tensor"));
  const uint64_t chans = static_cast<uint64_t>(model.in_chans()), side = static_cast<uint64_t>(model.img_size());
  if (x->dtype != Dtype::kF32 || x->shape.size() != 4 || x->shape[0] == 0 || x->shape[1] != chans || x->shape[2] != side ||
      x->shape[3] != side) {
    return WithExitCode(absl::InvalidArgumentError(absl::StrCat(path, ": x: want F32 of shape [N, ", chans, ", ", side, ", ", side, "]")),
                        ExitCode::kCorrupt);
  }
  at::Tensor images = at::zeros({static_cast<int64_t>(x->shape[0]), model.in_chans(), model.img_size(), model.img_size()}, at::kFloat);
  DEIT_RETURN_IF_ERROR(file.Read("x", images.mutable_data_ptr(), x->bytes));
  return images;
}

StatusOr<nn::FrozenModel> ReadModel(const std::string& path, const v1::JobSpec& spec) {
  const weights::PlanOptions options = weights::PlanOptionsOf(spec.model());
  const std::vector<models::TensorSpec> tensors = models::TensorsOf(spec.model());
  DEIT_ASSIGN_OR_RETURN(const auto weights, weights::WeightsFile::Open(path, tensors, options, spec.train().seed()));
  for (const std::string& note : weights.notes()) LogInfo(note);
  return nn::NewFrozenModel(spec.model(), spec.train().precision(), [&weights](size_t t, float* out) { return weights.Read(t, out); });
}

Status WriteLogits(const std::string& path, const std::map<std::string, at::Tensor>& outputs) {
  std::vector<checkpoint::TensorData> tensors;
  for (const auto& [name, value] : outputs) {
    tensors.push_back({name,
                       Dtype::kF32,
                       {static_cast<uint64_t>(value.size(0)), static_cast<uint64_t>(value.size(1))},
                       value.const_data_ptr(),
                       value.nbytes()});
  }
  auto& fs = files::FileSystem::Posix();
  const std::string aside = path + ".tmp";
  DEIT_RETURN_IF_ERROR(checkpoint::WriteSafetensors(fs, aside, tensors, {{"format", "pt"}}).status());
  return files::RenameDurably(fs, aside, path);
}

}  // namespace

Status Predict(const Options& options) {
  DEIT_RETURN_IF_ERROR(Need(options.weights, "--weights", "a file with the model's weights"));
  DEIT_RETURN_IF_ERROR(Need(options.input, "--input", "a safetensors file with tensor x"));
  DEIT_RETURN_IF_ERROR(Need(options.output, "--output", "where the logits go"));
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec spec, LoadJob(options));
  DEIT_RETURN_IF_ERROR(engine::SetThreads(spec.threads_per_worker()));
  try {
    DEIT_ASSIGN_OR_RETURN(const nn::FrozenModel frozen, ReadModel(options.weights, spec));
    DEIT_ASSIGN_OR_RETURN(const at::Tensor images, ReadImages(options.input, spec.model()));
    const at::NoGradGuard no_grad;
    const nn::Outputs outputs = frozen.model->Forward(frozen.values, {}, images, {});
    std::map<std::string, at::Tensor> logits = {{"logits", nn::FusedLogits(outputs).contiguous()}};
    if (outputs.head_dist.defined()) {
      logits["head"] = outputs.head.contiguous();
      logits["head_dist"] = outputs.head_dist.contiguous();
    }
    return WithExitCode(WriteLogits(options.output, logits), ExitCode::kNotSaved);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("predicting: ", error.what()));
  }
}

}  // namespace deit::tasks
