// Reads each file of torch.save in a folder, and writes its tensors to PATH.safetensors: tests/parity compares them with torch's.
// usage: convert_torch_save FOLDER
#include <cstdio>
#include <filesystem>
#include <vector>

#include "common/base/status.h"
#include "common/torch_save/torch_save_file.h"

namespace deit::torch_save {
namespace {

Status Convert(const std::string& path) {
  auto& fs = files::FileSystem::Posix();
  DEIT_ASSIGN_OR_RETURN(const TorchSaveFile file, TorchSaveFile::Open(fs, path));
  std::vector<std::vector<char>> contents;
  std::vector<checkpoint::TensorData> tensors;
  for (const SavedTensor& tensor : file.tensors()) {
    contents.emplace_back(tensor.info.bytes);
    DEIT_RETURN_IF_ERROR(file.Read(tensor, contents.back().data()));
    tensors.push_back({tensor.info.name, tensor.info.dtype, tensor.info.shape, contents.back().data(), tensor.info.bytes});
  }
  return checkpoint::WriteSafetensors(fs, path + ".safetensors", tensors, {{"format", "pt"}}).status();
}

}  // namespace
}  // namespace deit::torch_save

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1], error)) {
    if (entry.path().extension() != ".pth") continue;
    const deit::Status status = deit::torch_save::Convert(entry.path());
    if (status.ok()) continue;
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return 1;
  }
  return error ? 1 : 0;
}
