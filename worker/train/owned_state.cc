#include "worker/train/owned_state.h"

#include <algorithm>
#include <cstring>

#include "common/base/digest.h"

namespace deit::train {

OwnedState::OwnedState(const plan::Grid& grid, const plan::Parts& parts, int worker, bool with_ema) : has_ema_(with_ema) {
  int64_t local = 0;
  for (int b = 0; b < static_cast<int>(grid.blocks().size()); ++b) {
    if (parts.OwnerOfBlock(b) != worker) continue;
    const plan::Block& block = grid.blocks()[static_cast<size_t>(b)];
    blocks_.push_back({b, block.offset, block.count, local});
    local += (block.count + plan::kAlignElements - 1) / plan::kAlignElements * plan::kAlignElements;
  }
  exp_avg_.resize(static_cast<size_t>(local));
  exp_avg_sq_.resize(static_cast<size_t>(local));
  if (with_ema) ema_.resize(static_cast<size_t>(local));
}

void OwnedState::Reset() {
  for (std::vector<float>* values : {&exp_avg_, &exp_avg_sq_, &ema_}) std::fill(values->begin(), values->end(), 0.0f);
}

void OwnedState::StartEma(const float* weights) {
  if (ema_.empty()) return;
  for (const OwnedBlock& b : blocks_) std::memcpy(ema_.data() + b.local, weights + b.offset, static_cast<size_t>(b.count) * sizeof(float));
}

int64_t OwnedState::bytes() const {
  int64_t elements = 0;
  for (const OwnedBlock& b : blocks_) elements += b.count;
  return elements * static_cast<int64_t>(sizeof(float)) * (ema_.empty() ? 2 : 3);
}

std::vector<double> OwnedState::Squares(const float* gradients) const {
  std::vector<double> squares;
  for (const OwnedBlock& b : blocks_) squares.push_back(update::SumOfSquares(gradients + b.offset, b.count));
  return squares;
}

void OwnedState::Update(const update::AdamWStep& step, const std::vector<double>& weight_decay, double ema_decay, const plan::Grid& grid,
                        const float* gradients, float* weights) {
  for (const OwnedBlock& b : blocks_) {
    const size_t tensor = static_cast<size_t>(grid.blocks()[static_cast<size_t>(b.block)].tensor);
    update::AdamW(step, weight_decay[tensor], gradients + b.offset, weights + b.offset, exp_avg_.data() + b.local,
                  exp_avg_sq_.data() + b.local, b.count);
    if (!ema_.empty()) update::Ema(ema_decay, weights + b.offset, ema_.data() + b.local, b.count);
  }
}

std::vector<uint64_t> OwnedState::Digests() const {
  std::vector<uint64_t> digests;
  for (const std::vector<float>* values : {&exp_avg_, &exp_avg_sq_, &ema_}) {
    if (values == &ema_ && !has_ema_) continue;
    for (const OwnedBlock& b : blocks_) digests.push_back(Digest64(values->data() + b.local, static_cast<size_t>(b.count) * sizeof(float)));
  }
  return digests;
}

}  // namespace deit::train
