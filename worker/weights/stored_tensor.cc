#include "worker/weights/stored_tensor.h"

#include <cstring>
#include <memory>
#include <optional>

#include "common/checkpoint/torch_save_format.h"
#include "common/checkpoint/weights_content.h"
#include "worker/weights/torch_save_reader.h"

namespace deit::weights {
namespace {

using checkpoint::Dtype;

std::optional<Dtype> DtypeOf(at::ScalarType type) {
  switch (type) {
    case at::kDouble: return Dtype::kF64;
    case at::kFloat: return Dtype::kF32;
    case at::kHalf: return Dtype::kF16;
    case at::kBFloat16: return Dtype::kBF16;
    case at::kLong: return Dtype::kI64;
    case at::kInt: return Dtype::kI32;
    case at::kShort: return Dtype::kI16;
    case at::kChar: return Dtype::kI8;
    case at::kByte: return Dtype::kU8;
    case at::kBool: return Dtype::kBool;
    default: return std::nullopt;
  }
}

StatusOr<std::vector<StoredTensor>> OpenTorchSave(const std::string& path) {
  DEIT_ASSIGN_OR_RETURN(const std::vector<NamedTensor> tensors, ReadTorchSave(path));
  std::vector<StoredTensor> stored;
  for (const auto& [name, value] : tensors) {
    const std::optional<Dtype> dtype = DtypeOf(value.scalar_type());
    if (!dtype) return checkpoint::WantsConversion(path, absl::StrCat("and ", name, " is of type ", at::toString(value.scalar_type())));
    checkpoint::TensorInfo info{.name = name, .dtype = *dtype, .shape = {value.sizes().begin(), value.sizes().end()}};
    info.elements = static_cast<uint64_t>(value.numel());
    info.bytes = value.nbytes();
    stored.push_back({std::move(info), [value = value](void* dst) {
                        std::memcpy(dst, value.const_data_ptr(), value.nbytes());
                        return absl::OkStatus();
                      }});
  }
  return stored;
}

}  // namespace

StatusOr<std::vector<StoredTensor>> OpenStored(const std::string& path) {
  DEIT_ASSIGN_OR_RETURN(const bool is_torch_save, checkpoint::IsTorchSaveFile(files::FileSystem::Posix(), path));
  if (is_torch_save) return OpenTorchSave(path);
  DEIT_ASSIGN_OR_RETURN(auto files, checkpoint::OpenWeights(path));
  std::vector<StoredTensor> stored;
  for (checkpoint::SafetensorsFile& opened : files) {
    const auto file = std::make_shared<const checkpoint::SafetensorsFile>(std::move(opened));
    for (const checkpoint::TensorInfo& info : file->tensors()) {
      stored.push_back({info, [file, info](void* dst) { return file->ReadRange(info, 0, info.bytes, dst); }});
    }
  }
  return stored;
}

}  // namespace deit::weights
