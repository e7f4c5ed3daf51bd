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
  std::function<Status(void* dst)> read = nullptr;  // info.bytes of them, row-major; thread-safe; keeps open what it needs
};

// `path`: a .safetensors file, a folder with model*.safetensors, or a file of torch.save (torch_save.h; all of it is in memory then). Errors:
// checkpoint::OpenWeights' and ReadTorchSave's.
StatusOr<std::vector<StoredTensor>> OpenStored(const std::string& path);

}  // namespace deit::weights
