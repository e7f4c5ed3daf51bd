#include "worker/state/buffer_state.h"

#include <algorithm>

#include "worker/update/block_math.h"

namespace deit::state {
namespace {
constexpr float kMomentum = 0.1f;  // torch.nn.BatchNorm2d's default, and timm's
}

BufferState::BufferState(const std::vector<models::TensorSpec>& tensors, bool with_ema) {
  for (const models::TensorSpec& tensor : tensors) {
    const bool mean = tensor.role == models::TensorRole::kRunningMean, variance = tensor.role == models::TensorRole::kRunningVar;
    offset_.push_back(mean || variance ? size() : -1);
    if (mean || variance) values_.resize(values_.size() + static_cast<size_t>(tensor.size()), variance ? 1.0f : 0.0f);
  }
  if (with_ema) ema_ = values_;
  initial_ = values_;
}

void BufferState::Reset() {
  std::copy(initial_.begin(), initial_.end(), values_.begin());  // in place: the engine reads them there
  StartEma();
  batches_tracked = 0;
}

void BufferState::SwapEma() { std::swap_ranges(values_.begin(), values_.end(), ema_.begin()); }

void BufferState::Update(const float* lane_sums, int lanes, double ema_decay) {
  const float share = 1.0f / static_cast<float>(lanes);
  for (size_t i = 0; i < values_.size(); ++i) values_[i] = (1 - kMomentum) * values_[i] + kMomentum * (lane_sums[i] * share);
  if (!ema_.empty()) update::Ema(ema_decay, values_.data(), ema_.data(), size());
  ++batches_tracked;
}

}  // namespace deit::state
