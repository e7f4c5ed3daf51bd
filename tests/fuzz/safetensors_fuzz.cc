#include <vector>

#include "common/base/status.h"
#include "common/checkpoint/safetensors.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

// A header that is accepted describes tensors that can be read to their last byte.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const deit::testing::TempFolder folder;
  const std::string path = folder / "x.safetensors";
  deit::testing::WriteFile(path, deit::testing::Content(data, size));
  const auto file = deit::checkpoint::SafetensorsFile::Open(deit::files::FileSystem::Posix(), path);
  if (!file.ok()) return 0;
  for (const deit::checkpoint::TensorInfo& tensor : file->tensors()) {
    std::vector<char> bytes(tensor.bytes);
    DEIT_CHECK(file->Read(tensor.name, bytes.data(), bytes.size()).ok(), "tensor ", tensor.name);
  }
  return 0;
}
