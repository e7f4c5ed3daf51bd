#include "worker/train/lane_accumulator.h"

#include <algorithm>
#include <utility>

namespace deit::train {
namespace {

void Store(const float* from, float* to, int64_t count) { std::copy_n(from, count, to); }
void Store(const update::BFloat16Bits* from, float* to, int64_t count) { update::CastToFloat(from, to, count); }

}  // namespace

LaneAccumulator::LaneAccumulator(const plan::Grid& grid, std::vector<int> parameter_of, std::vector<float*> slots, int64_t statistics)
    : grid_(grid), parameter_of_(std::move(parameter_of)), slots_(std::move(slots)), statistics_(static_cast<size_t>(statistics)) {}

void LaneAccumulator::BeginLane(const plan::LaneStep& step, std::function<Status(int)> ready) {
  step_ = &step;
  ready_ = std::move(ready);
  missing_of_bucket_.assign(grid_.buckets().size(), 0);
  for (int t = 0; t < static_cast<int>(grid_.tensors().size()); ++t) ++missing_of_bucket_[static_cast<size_t>(grid_.BucketOfTensor(t))];
  arrived_.assign(grid_.tensors().size(), false);
  ready_buckets_ = 0;
  status_ = absl::OkStatus();
}

template <typename Element>
void LaneAccumulator::AcceptRange(const Element* gradient, int64_t offset, int64_t count) {
  float* const target = slots_[static_cast<size_t>(step_->slot)] + offset;
  if (step_->add) update::Add(gradient, target, count);
  else Store(gradient, target, count);
  for (const auto& merge : step_->merges) {
    update::Add(slots_[static_cast<size_t>(merge.from)] + offset, slots_[static_cast<size_t>(merge.into)] + offset, count);
  }
}

void LaneAccumulator::Accept(int tensor, const float* gradient) {
  const int parameter = parameter_of_[static_cast<size_t>(tensor)];
  const plan::TensorPlace& place = grid_.tensors()[static_cast<size_t>(parameter)];
  AcceptRange(gradient, place.offset, place.count);
  Arrived(parameter);
}

void LaneAccumulator::Accept(int tensor, const update::BFloat16Bits* gradient) {
  const int parameter = parameter_of_[static_cast<size_t>(tensor)];
  const plan::TensorPlace& place = grid_.tensors()[static_cast<size_t>(parameter)];
  AcceptRange(gradient, place.offset, place.count);
  Arrived(parameter);
}

void LaneAccumulator::CommitStatistics() { AcceptRange(statistics_.data(), grid_.elements(), static_cast<int64_t>(statistics_.size())); }

void LaneAccumulator::Arrived(int parameter) {
  DEIT_CHECK(!arrived_[static_cast<size_t>(parameter)], grid_.tensors()[static_cast<size_t>(parameter)].name,
             ": second gradient in one lane");
  arrived_[static_cast<size_t>(parameter)] = true;
  --missing_of_bucket_[static_cast<size_t>(grid_.BucketOfTensor(parameter))];
  const int before = ready_buckets_;
  while (ready_buckets_ < static_cast<int>(missing_of_bucket_.size()) && missing_of_bucket_[static_cast<size_t>(ready_buckets_)] == 0)
    ++ready_buckets_;
  if (ready_ && ready_buckets_ > before && status_.ok()) status_ = ready_(ready_buckets_);
}

Status LaneAccumulator::EndLane() {
  DEIT_RETURN_IF_ERROR(status_);
  for (size_t t = 0; t < arrived_.size(); ++t) {
    if (!arrived_[t]) return absl::InternalError(absl::StrCat(grid_.tensors()[t].name, ": no gradient came out of the backward pass"));
  }
  return absl::OkStatus();
}

}  // namespace deit::train
