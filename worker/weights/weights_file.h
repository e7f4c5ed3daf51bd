// Loads a model's weights from a file or from the model files of a checkpoint, renamed and adapted (worker/weights/weights_plan.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/models/tensor_spec.h"
#include "worker/weights/stored_tensor.h"
#include "worker/weights/weights_plan.h"

namespace deit::weights {

// Open, checked weights that have every tensor of a model in the right shape.
class WeightsFile {
 public:
  // `path`: as OpenStored's. Tensors that are missing, unexpected or of another shape are named in one InvalidArgument error, the first few
  // of each, and the adaptations that would do as its hint; num_batches_tracked may be missing. Types F32, F64, F16 and BF16 are converted.
  // `seed` draws what is not from the file, as in a new model of that seed.
  static StatusOr<WeightsFile> Open(const std::string& path, const std::vector<models::TensorSpec>& tensors,
                                    const weights::PlanOptions& options = {}, uint64_t seed = 0);

  // One line per name scheme that was recognised and tensor that was adapted: "PATH: what".
  const std::vector<std::string>& notes() const { return notes_; }

  // Tensor `t` of the model, as fp32 in row-major order. DataLoss names the first element that is not finite.
  Status Read(size_t t, float* out) const;

  // num_batches_tracked, if the file has one; else 0.
  StatusOr<int64_t> BatchesTracked() const;

 private:
  Status ReadFromFile(size_t place, float* out) const;
  Status ReadParts(const std::vector<size_t>& places, float* out) const;
  Status ReadPositions(size_t t, float* out) const;

  std::string path_;
  std::vector<StoredTensor> stored_;  // by place
  std::vector<models::TensorSpec> tensors_;
  weights::Plan plan_;
  uint64_t seed_ = 0;
  std::vector<std::string> notes_;
};

}  // namespace deit::weights
