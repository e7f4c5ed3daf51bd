#include "common/checkpoint/tensor_catalog.h"

#include <algorithm>

#include "common/files/operations.h"

namespace deit::checkpoint {
namespace {

Status CheckPieces(const std::string& name, TensorCatalog::Tensor* tensor) {
  auto& pieces = tensor->pieces;
  std::sort(pieces.begin(), pieces.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].info->dtype != tensor->dtype) {
      return absl::DataLossError(absl::StrCat(pieces[i].file->path(), ": tensor '", name, "': ", Name(pieces[i].info->dtype), " here, ",
                                              Name(tensor->dtype), " elsewhere"));
    }
    if (i > 0 && pieces[i].begin - pieces[i - 1].begin < pieces[i - 1].info->elements) {
      return absl::DataLossError(absl::StrCat(pieces[i].file->path(), ": tensor '", name, "': element ", pieces[i].begin, " is also in ",
                                              pieces[i - 1].file->path()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

Status TensorCatalog::Add(TensorKind kind, const SafetensorsFile& file) {
  for (const TensorInfo& info : file.tensors()) {
    const bool whole = kind == TensorKind::kModel;
    const auto fragment =
        whole ? std::make_pair(info.name, uint64_t{0}) : ParseFragmentName(info.name).value_or(std::make_pair(info.name, uint64_t{0}));
    Tensor& tensor = tensors_[kind][fragment.first];
    uint64_t end = 0;
    if (__builtin_add_overflow(fragment.second, info.elements, &end)) {
      return absl::DataLossError(absl::StrCat(file.path(), ": tensor '", info.name, "': its offset is beyond 64 bits"));
    }
    if (tensor.pieces.empty()) tensor.dtype = info.dtype;
    if (whole) tensor.shape = info.shape;
    if (whole && !tensor.pieces.empty()) {
      return absl::DataLossError(absl::StrCat(file.path(), ": tensor '", info.name, "' is also in ", tensor.pieces[0].file->path()));
    }
    tensor.whole = whole;
    tensor.pieces.push_back({.file = &file, .info = &info, .begin = fragment.second});
  }
  return absl::OkStatus();
}

StatusOr<TensorCatalog> TensorCatalog::Open(files::FileSystem& fs, const std::string& checkpoint_folder,
                                            const v1::CheckpointManifest& manifest) {
  TensorCatalog catalog;
  for (const v1::CheckpointFile& entry : manifest.files()) {
    const std::optional<TensorKind> kind = ParseTensorFileName(entry.name());
    if (!kind) return absl::DataLossError(absl::StrCat(checkpoint_folder, ": unknown file ", entry.name()));
    DEIT_ASSIGN_OR_RETURN(SafetensorsFile file, SafetensorsFile::Open(fs, files::JoinPath(checkpoint_folder, entry.name())));
    catalog.files_.push_back(std::make_unique<SafetensorsFile>(std::move(file)));
    DEIT_RETURN_IF_ERROR(catalog.Add(*kind, *catalog.files_.back()));
  }
  for (auto& [kind, tensors] : catalog.tensors_) {
    for (auto& [name, tensor] : tensors) DEIT_RETURN_IF_ERROR(CheckPieces(name, &tensor));
  }
  return catalog;
}

const std::map<std::string, TensorCatalog::Tensor>& TensorCatalog::tensors(TensorKind kind) const {
  static const std::map<std::string, Tensor> kNone;
  auto found = tensors_.find(kind);
  return found == tensors_.end() ? kNone : found->second;
}

const TensorCatalog::Tensor* TensorCatalog::Find(TensorKind kind, const std::string& name) const {
  const auto& all = tensors(kind);
  auto found = all.find(name);
  return found == all.end() ? nullptr : &found->second;
}

Status TensorCatalog::ReadRange(TensorKind kind, const std::string& name, Dtype dtype, uint64_t begin, uint64_t count, void* dst) const {
  const Tensor* tensor = Find(kind, name);
  if (tensor == nullptr) return absl::NotFoundError(absl::StrCat(Name(kind), ": no tensor '", name, "'"));
  if (tensor->dtype != dtype) {
    return absl::InvalidArgumentError(absl::StrCat(Name(kind), ": tensor '", name, "' is ", Name(tensor->dtype), ", not ", Name(dtype)));
  }
  const uint64_t size = ElementBytes(dtype);
  char* out = static_cast<char*>(dst);
  for (const Piece& piece : tensor->pieces) {
    if (count == 0) break;
    if (begin < piece.begin) break;  // a gap
    const uint64_t skipped = begin - piece.begin;
    if (skipped >= piece.info->elements) continue;
    const uint64_t taken = std::min(count, piece.info->elements - skipped);
    DEIT_RETURN_IF_ERROR(piece.file->ReadRange(*piece.info, skipped * size, taken * size, out));
    out += taken * size;
    begin += taken;
    count -= taken;
  }
  if (count == 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(Name(kind), ": tensor '", name, "': no file of the checkpoint holds element ", begin));
}

}  // namespace deit::checkpoint
