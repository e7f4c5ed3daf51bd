#include "worker/state/owned_state.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "worker/update/block_math.h"

namespace deit::state {
namespace {

using checkpoint::TensorKind;

TensorKind KindOf(const std::string& name) {
  const auto kind = std::find_if(std::begin(checkpoint::kAllKinds), std::end(checkpoint::kAllKinds),
                                 [&](TensorKind candidate) { return checkpoint::Name(candidate) == name; });
  DEIT_CHECK(kind != std::end(checkpoint::kAllKinds), "no file holds ", name);
  return *kind;
}

}  // namespace

OwnedState::OwnedState(const plan::Grid& grid, const plan::Shards& shards, int worker, const update::Optimizer& optimizer, bool with_ema,
                       update::ForEach for_each)
    : for_each_(std::move(for_each)) {
  int64_t local = 0;
  for (int b = 0; b < static_cast<int>(grid.blocks().size()); ++b) {
    if (shards.OwnerOfBlock(b) != worker) continue;
    const plan::Block& block = grid.blocks()[static_cast<size_t>(b)];
    blocks_.push_back({b, block.tensor, block.offset, block.count, local});
    local += (block.count + plan::kAlignElements - 1) / plan::kAlignElements * plan::kAlignElements;
  }
  for (const std::string& name : optimizer.state_names()) kinds_.push_back(KindOf(name));
  if (with_ema) kinds_.push_back(TensorKind::kEma);
  values_.resize(kinds_.size(), std::vector<float>(static_cast<size_t>(local)));
}

float* OwnedState::values(TensorKind kind) {
  const auto place = std::find(kinds_.begin(), kinds_.end(), kind);
  if (place == kinds_.end() || blocks_.empty()) return nullptr;
  return values_[static_cast<size_t>(place - kinds_.begin())].data();
}

void OwnedState::Reset() {
  for (std::vector<float>& values : values_) std::fill(values.begin(), values.end(), 0.0f);
}

void OwnedState::StartEma(const float* weights) {
  if (!has_ema()) return;
  for (const OwnedBlock& b : blocks_) std::memcpy(ema() + b.local, weights + b.offset, static_cast<size_t>(b.count) * sizeof(float));
}

int64_t OwnedState::bytes() const {
  int64_t elements = 0;
  for (const OwnedBlock& b : blocks_) elements += b.count;
  return elements * static_cast<int64_t>(sizeof(float) * kinds_.size());
}

std::vector<double> OwnedState::Squares(const float* values) const {
  std::vector<double> squares(blocks_.size());
  for_each_(static_cast<int64_t>(blocks_.size()), [&](int64_t i) {
    const OwnedBlock& b = blocks_[static_cast<size_t>(i)];
    squares[static_cast<size_t>(i)] = update::SumOfSquares(values + b.offset, b.count);
  });
  return squares;
}

void OwnedState::Update(const update::Optimizer& optimizer, const update::UpdateStep& step, const std::vector<double>& weight_decay,
                        double ema_decay, float* gradients, float* weights) {
  ForEachBlock([&](const OwnedBlock& b) {
    std::vector<float*> state(values_.size());
    for (size_t k = 0; k < state.size(); ++k) state[k] = values_[k].data() + b.local;
    optimizer.Update(step, {weight_decay[static_cast<size_t>(b.tensor)], gradients + b.offset, weights + b.offset, state.data(), b.count});
    if (!optimizer.by_tensor()) Average(b, ema_decay, weights);
  });
}

void OwnedState::ApplyDirection(const std::vector<double>& rate, double ema_decay, const float* directions, float* weights) {
  ForEachBlock([&](const OwnedBlock& b) {
    update::ApplyDirection(rate[static_cast<size_t>(b.tensor)], directions + b.offset, weights + b.offset, b.count);
    Average(b, ema_decay, weights);
  });
}

void OwnedState::ForEachBlock(const std::function<void(const OwnedBlock&)>& body) const {
  for_each_(static_cast<int64_t>(blocks_.size()), [&](int64_t i) { body(blocks_[static_cast<size_t>(i)]); });
}

void OwnedState::Average(const OwnedBlock& block, double ema_decay, const float* weights) {
  if (has_ema()) update::Ema(ema_decay, weights + block.offset, values_.back().data() + block.local, block.count);
}

void OwnedState::SwapEma(float* weights) {
  DEIT_CHECK(has_ema());
  ForEachBlock([&](const OwnedBlock& b) { std::swap_ranges(weights + b.offset, weights + b.offset + b.count, ema() + b.local); });
}

std::vector<uint64_t> OwnedState::Digests() const {
  std::vector<uint64_t> digests;
  for (const std::vector<float>& values : values_) {
    for (const OwnedBlock& b : blocks_) digests.push_back(Digest64(values.data() + b.local, static_cast<size_t>(b.count) * sizeof(float)));
  }
  return digests;
}

}  // namespace deit::state
