// Tensors stored at a user-supplied path, in any supported file format.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/checkpoint/safetensors.h"

namespace deit::weights {

struct StoredTensor {
  checkpoint::TensorInfo info;                      // its offset is of no meaning here
  std::function<Status(void* dst)> read = nullptr;  // info.bytes of them, row-major; thread-safe; keeps what it needs
};

struct StoredWeights {
  std::vector<StoredTensor> tensors;  // each name once
  std::string note;                   // what a user should know of where they were found; usually empty
};

// `path`: a .safetensors file, a folder with model*.safetensors, or a file of torch.save (common/torch_save). Errors:
// checkpoint::OpenWeights' and TorchSaveFile's.
StatusOr<StoredWeights> OpenStored(const std::string& path);

}  // namespace deit::weights
