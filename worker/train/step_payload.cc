#include "worker/train/step_payload.h"

#include <algorithm>
#include <type_traits>

#include "common/base/status.h"

namespace deit::train {
namespace {

static_assert(std::is_trivially_copyable_v<LaneMetrics>);

template <typename T>
void Put(const std::vector<T>& values, std::byte*& at) {
  const auto bytes = std::as_bytes(std::span(values));
  at = std::copy(bytes.begin(), bytes.end(), at);
}

template <typename T>
std::vector<T> Take(size_t count, const std::byte*& at) {
  std::vector<T> values(count);
  const auto bytes = std::as_writable_bytes(std::span(values));
  std::copy_n(at, bytes.size(), bytes.begin());
  at += bytes.size();
  return values;
}

}  // namespace

size_t StepPayloadShape::bytes() const {
  return sizeof(StepEnd) + lanes * sizeof(LaneMetrics) + blocks * sizeof(double) + statistics * sizeof(float);
}

std::vector<std::byte> EncodeStepPayload(const StepPayload& payload) {
  const StepPayloadShape shape{payload.lanes.size(), payload.squares.size(), payload.statistics.size()};
  std::vector<std::byte> bytes(shape.bytes());
  std::byte* at = bytes.data();
  Put(std::vector<StepEnd>{payload.end}, at);
  Put(payload.lanes, at);
  Put(payload.squares, at);
  Put(payload.statistics, at);
  return bytes;
}

StepPayload DecodeStepPayload(const StepPayloadShape& shape, std::span<const std::byte> bytes) {
  DEIT_CHECK(bytes.size() == shape.bytes(), bytes.size());
  const std::byte* at = bytes.data();
  StepPayload payload;
  payload.end = Take<StepEnd>(1, at)[0];
  payload.lanes = Take<LaneMetrics>(shape.lanes, at);
  payload.squares = Take<double>(shape.blocks, at);
  payload.statistics = Take<float>(shape.statistics, at);
  return payload;
}

}  // namespace deit::train
