#include "coordinator/cli/checkpoint_export.h"

#include <vector>

#include "common/checkpoint/safetensors.h"
#include "common/checkpoint/tensor_catalog.h"
#include "common/files/operations.h"
#include "common/spec/load.h"
#include "coordinator/cli/timm_config.h"

namespace deit::cli {
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

}  // namespace

StatusOr<Exported> ExportSet(files::FileSystem& fs, const std::string& run_folder, const std::string& set_folder,
                             const ExportOptions& options) {
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec job, ReadJob(fs, run_folder));
  DEIT_ASSIGN_OR_RETURN(const v1::CheckpointManifest manifest, checkpoint::VerifySet(fs, set_folder));
  DEIT_ASSIGN_OR_RETURN(const TensorCatalog catalog, TensorCatalog::Open(fs, set_folder, manifest));
  DEIT_ASSIGN_OR_RETURN(const Weights weights, Gather(catalog, options.ema));
  DEIT_RETURN_IF_ERROR(files::CreateFolders(fs, options.output));
  const std::string path = files::JoinPath(options.output, "model.safetensors");
  const std::string aside = absl::StrCat(path, ".tmp");
  auto written = checkpoint::WriteSafetensors(fs, aside, weights.tensors, {{"format", "pt"}, {"step", absl::StrCat(manifest.step())}});
  if (!written.ok()) fs.Remove(aside).IgnoreError();
  if (!written.ok()) return written.status();
  DEIT_RETURN_IF_ERROR(files::RenameDurably(fs, aside, path));
  const std::optional<std::string> config = TimmConfig(job);
  if (config) DEIT_RETURN_IF_ERROR(files::WriteFileAtomically(fs, files::JoinPath(options.output, "config.json"), *config));
  return Exported{.tensors = weights.tensors.size(), .bytes = written->bytes, .has_config = config.has_value()};
}

}  // namespace deit::cli
