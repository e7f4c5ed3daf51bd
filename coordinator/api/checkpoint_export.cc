#include "coordinator/api/checkpoint_export.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/checkpoint/safetensors.h"
#include "common/checkpoint/tensor_catalog.h"
#include "common/files/operations.h"
#include "common/json/message_json.h"
#include "common/models/model_catalog.h"
#include "common/models/vit_pytorch.h"
#include "common/spec/load.h"
#include "coordinator/api/timm_config.h"
#include "coordinator/api/vit_pytorch_config.h"

namespace deit::api {
namespace {

using checkpoint::Dtype;
using checkpoint::TensorCatalog;
using checkpoint::TensorKind;

// The exported tensors with their bytes.
struct Weights {
  std::vector<std::vector<char>> storage;
  std::vector<checkpoint::TensorData> tensors;
};

// Counters (num_batches_tracked) are not averaged, so they come from the model in either case.
StatusOr<Weights> Gather(const TensorCatalog& catalog, bool ema) {
  if (ema && catalog.tensors(TensorKind::kEma).empty()) {
    return WithHint(absl::NotFoundError("the set holds no averaged weights: ema.decay was 0"), "leave out --ema");
  }
  Weights weights;
  for (const auto& [name, tensor] : catalog.tensors(TensorKind::kModel)) {
    const uint64_t elements = tensor.pieces[0].info->elements;
    const TensorKind kind = ema && tensor.dtype == Dtype::kF32 ? TensorKind::kEma : TensorKind::kModel;
    std::vector<char>& bytes = weights.storage.emplace_back(static_cast<size_t>(tensor.pieces[0].info->bytes));
    DEIT_RETURN_IF_ERROR(catalog.ReadRange(kind, name, tensor.dtype, 0, elements, bytes.data()));
    weights.tensors.push_back({.name = name, .dtype = tensor.dtype, .shape = tensor.shape, .data = bytes.data(), .bytes = bytes.size()});
  }
  return weights;
}

StatusOr<v1::JobSpec> ReadJob(files::FileSystem& fs, const std::string& run_folder) {
  const std::string path = files::JoinPath(run_folder, "config.textproto");
  DEIT_ASSIGN_OR_RETURN(const bool exists, files::Exists(fs, path));
  if (exists) return spec::LoadSpec(path, {});
  return WithHint(absl::NotFoundError(absl::StrCat(path, ": no such file: it names the model")),
                  "export from inside the run folder that trained the set");
}

struct Loading {
  bool vit_pytorch = false;
  std::optional<std::string> config;  // config.json
  std::string sentence;
};

Loading LoadingOf(const v1::JobSpec& job, const std::string& folder) {
  if (models::IsVitPytorch(models::FamilyOf(job.model()))) {
    return {.vit_pytorch = true,
            .config = json::ToJsonText(VitPytorchConfig(job), 1),
            .sentence = absl::StrCat("load them with vit-pytorch: config.json names the class, load_state_dict takes ", folder,
                                     "/model.safetensors")};
  }
  const std::optional<v1::TimmConfig> timm = TimmConfig(job);
  const std::string sentence = timm ? absl::StrCat("load them with: timm.create_model('local-dir:", folder, "', pretrained=True)")
                                    : "timm has no such model: model.safetensors alone, without a config.json";
  return {
      .vit_pytorch = false, .config = timm ? std::optional<std::string>(json::ToJsonText(*timm, 1)) : std::nullopt, .sentence = sentence};
}

// A file of the export.
struct Part {
  const char* name;
  std::vector<checkpoint::TensorData> tensors;
};

// DistillWrapper's tensors, if there are any, stand apart, so that a student takes its own strictly.
std::vector<Part> Divide(const std::vector<checkpoint::TensorData>& tensors, bool vit_pytorch) {
  std::vector<Part> parts = {{"model.safetensors", {}}, {"model_distillation.safetensors", {}}};
  for (const checkpoint::TensorData& tensor : tensors)
    parts[vit_pytorch && models::IsDistillWrappers(tensor.name) ? 1 : 0].tensors.push_back(tensor);
  if (parts[1].tensors.empty()) parts.pop_back();
  return parts;
}

StatusOr<uint64_t> Write(files::FileSystem& fs, const std::string& path, const std::vector<checkpoint::TensorData>& tensors, int64_t step) {
  const std::string aside = absl::StrCat(path, ".tmp");
  const auto written = checkpoint::WriteSafetensors(fs, aside, tensors, {{"format", "pt"}, {"step", absl::StrCat(step)}});
  if (!written.ok()) fs.Remove(aside).IgnoreError();
  if (!written.ok()) return written.status();
  DEIT_RETURN_IF_ERROR(files::RenameDurably(fs, aside, path));
  return written->bytes;
}

}  // namespace

StatusOr<v1::CheckpointExport> ExportCheckpoint(files::FileSystem& fs, const std::string& run_folder, const std::string& checkpoint_folder,
                                                const std::string& output, bool ema) {
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec job, ReadJob(fs, run_folder));
  DEIT_ASSIGN_OR_RETURN(const v1::CheckpointManifest manifest, checkpoint::VerifyCheckpoint(fs, checkpoint_folder));
  DEIT_ASSIGN_OR_RETURN(const TensorCatalog catalog, TensorCatalog::Open(fs, checkpoint_folder, manifest));
  DEIT_ASSIGN_OR_RETURN(const Weights weights, Gather(catalog, ema));
  DEIT_RETURN_IF_ERROR(files::CreateFolders(fs, output));
  const Loading loading = LoadingOf(job, output);
  v1::CheckpointExport exported;
  exported.set_ema(ema);
  exported.set_folder(output);
  exported.set_tensors(weights.tensors.size());
  exported.set_how_to_load(loading.sentence);
  for (const Part& part : Divide(weights.tensors, loading.vit_pytorch)) {
    DEIT_ASSIGN_OR_RETURN(const uint64_t bytes, Write(fs, files::JoinPath(output, part.name), part.tensors, manifest.step()));
    exported.set_bytes(exported.bytes() + bytes);
  }
  if (loading.config) DEIT_RETURN_IF_ERROR(files::WriteFileAtomically(fs, files::JoinPath(output, "config.json"), *loading.config));
  return exported;
}

}  // namespace deit::api
