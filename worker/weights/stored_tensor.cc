#include "worker/weights/stored_tensor.h"

#include <memory>

#include "common/checkpoint/torch_save_format.h"
#include "common/checkpoint/weights_content.h"
#include "common/torch_save/torch_save_file.h"

namespace deit::weights {
namespace {

StatusOr<StoredWeights> OpenTorchSave(const std::string& path) {
  DEIT_ASSIGN_OR_RETURN(auto opened, torch_save::TorchSaveFile::Open(files::FileSystem::Posix(), path));
  const auto file = std::make_shared<const torch_save::TorchSaveFile>(std::move(opened));
  StoredWeights stored;
  stored.note = file->note();
  for (const torch_save::SavedTensor& tensor : file->tensors()) {
    stored.tensors.push_back({tensor.info, [file, &tensor](void* dst) { return file->Read(tensor, dst); }});
  }
  return stored;
}

}  // namespace

StatusOr<StoredWeights> OpenStored(const std::string& path) {
  DEIT_ASSIGN_OR_RETURN(const bool is_torch_save, checkpoint::IsTorchSaveFile(files::FileSystem::Posix(), path));
  if (is_torch_save) return OpenTorchSave(path);
  DEIT_ASSIGN_OR_RETURN(auto files, checkpoint::OpenWeights(path));
  StoredWeights stored;
  for (checkpoint::SafetensorsFile& opened : files) {
    const auto file = std::make_shared<const checkpoint::SafetensorsFile>(std::move(opened));
    for (const checkpoint::TensorInfo& info : file->tensors()) {
      stored.tensors.push_back({info, [file, info](void* dst) { return file->ReadRange(info, 0, info.bytes, dst); }});
    }
  }
  return stored;
}

}  // namespace deit::weights
