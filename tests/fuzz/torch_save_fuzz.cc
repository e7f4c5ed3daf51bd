#include <vector>

#include "common/base/status.h"
#include "common/torch_save/torch_save_file.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

// What is accepted describes tensors that can be read to their last element.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const deit::testing::TempFolder folder;
  const std::string path = folder / "x.pth";
  deit::testing::WriteFile(path, deit::testing::Content(data, size));
  const auto file = deit::torch_save::TorchSaveFile::Open(deit::files::FileSystem::Posix(), path);
  if (!file.ok()) return 0;
  for (const deit::torch_save::SavedTensor& tensor : file->tensors()) {
    std::vector<char> bytes(tensor.info.bytes);
    DEIT_CHECK(file->Read(tensor, bytes.data()).ok(), "tensor ", tensor.info.name);
  }
  return 0;
}
