// Reads weights from a torch.save file with LibTorch's own reader.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/base/status.h"

namespace deit::weights {

struct NamedTensor {
  std::string name;
  at::Tensor value;  // contiguous, on the CPU
};

// The tensors of a plain dictionary {name: tensor}, or of the one that it holds as "model" or "state_dict". LibTorch's reader knows no
// other Python types: a Module's state_dict() has to be made a plain one, torch.save(dict(model.state_dict()), PATH). Anything else is
// DataLoss with the cause, and the command that converts the file as its hint.
StatusOr<std::vector<NamedTensor>> ReadTorchSave(const std::string& path);

}  // namespace deit::weights
