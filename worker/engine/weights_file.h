// A model's weights from a safetensors file, or from the model files of a checkpoint set. Torch-free.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/checkpoint/safetensors.h"
#include "worker/models/tensor_spec.h"

namespace deit::engine {

// Open, checked weights that have every tensor of a model in the right shape.
class WeightsFile {
 public:
  // `path`: a .safetensors file, or a folder with model*.safetensors. Tensors that are missing, unexpected or of another shape are all
  // named in one InvalidArgument error; num_batches_tracked may be missing. Types F32, F16 and BF16 are converted.
  static StatusOr<WeightsFile> Open(const std::string& path, const std::vector<models::TensorSpec>& tensors);

  // Tensor `t` of the model, as fp32 in row-major order.
  Status Read(size_t t, float* out) const;

  // num_batches_tracked, if the file has one; else 0.
  StatusOr<int64_t> BatchesTracked() const;

 private:
  struct Place {
    size_t file;
    const checkpoint::TensorInfo* info;  // null: missing num_batches_tracked
  };
  std::vector<checkpoint::SafetensorsFile> files_;
  std::vector<models::TensorSpec> tensors_;
  std::vector<Place> places_;  // by tensor
};

}  // namespace deit::engine
