// The state dictionary within what torch.save wrote. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/checkpoint/safetensors.h"
#include "common/torch_save/container.h"

namespace deit::torch_save {

struct SavedTensor {
  checkpoint::TensorInfo info;    // its offset: of the first element in the file
  std::vector<uint64_t> strides;  // in elements; what they reach lies in the tensor's storage
};

struct StateDictionary {
  std::vector<SavedTensor> tensors;  // by name, each name once
  std::string note;                  // "the weights under \"model\"", or empty
};

// A dictionary of nothing but tensors: the saved object, or one that it holds as "model", "state_dict", "model_state_dict" or "module",
// else its only one. OrderedDict, tensors and parameters are known, other objects may stand anywhere else. Unimplemented: none such, several,
// or a tensor whose kind or type no weights have. DataLoss: a tensor beyond its storage, or with more elements than the file has bytes.
StatusOr<StateDictionary> FindStateDictionary(const Container& container, uint64_t file_bytes);

}  // namespace deit::torch_save
