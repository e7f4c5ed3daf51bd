#include "common/models/tensor_spec.h"

#include <algorithm>
#include <cmath>

#include "common/plan/philox.h"

namespace deit::models {

int64_t TensorSpec::size() const {
  int64_t product = 1;
  for (const int64_t extent : shape) product *= extent;
  return product;
}

int64_t ParameterCount(const std::vector<TensorSpec>& tensors) {
  int64_t count = 0;
  for (const TensorSpec& tensor : tensors) count += tensor.role == TensorRole::kParameter ? tensor.size() : 0;
  return count;
}

Status InitialiseTensor(const TensorSpec& spec, int tensor_index, uint64_t seed, float* out) {
  if (tensor_index < 0 || !std::isfinite(spec.scale)) {
    return absl::InvalidArgumentError(
        absl::StrCat("initial values: ", spec.name, ": tensor ", tensor_index, " with scale ", spec.scale, " cannot be drawn"));
  }
  plan::RandomStream stream(seed, static_cast<uint64_t>(tensor_index), plan::Purpose::kInitialWeights);
  const auto draw = [&]() -> double {
    switch (spec.init) {
      case Init::kZeros: return 0;
      case Init::kOnes: return 1;
      case Init::kNormal: return spec.scale * stream.Normal();
      case Init::kUniform: return spec.scale * (2 * stream.Uniform() - 1);
    }
    return 0;
  };
  std::generate_n(out, spec.size(), [&] { return static_cast<float>(draw()); });
  return absl::OkStatus();
}

}  // namespace deit::models
