// Metadata that workers exchange at the end of each step; sizes are known to all in advance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "worker/train/engine.h"

namespace deit::train {

// How many of each the payload of one worker holds.
struct StepPayloadShape {
  size_t lanes = 0;       // of the worker
  size_t blocks = 0;      // that it owns
  size_t statistics = 0;  // floats: subtree sums of batch statistics

  size_t bytes() const;
};

// How a worker wants a step to end; the largest of all workers' counts.
enum class StepEnd : uint64_t {
  kGoOn,
  kStopAfter,  // finish it, and train no other
  kGivenUp,    // it is not finished: its views do not count, and the state stays that before it
};

struct StepPayload {
  StepEnd end = StepEnd::kGoOn;
  std::vector<LaneMetrics> lanes;  // in lane order; of a step given up anything
  std::vector<double> squares;     // by owned block
  std::vector<float> statistics;   // of each subtree sum, one after another
};

// Plain memory in this machine's byte order: all workers of a launch run the same program (checked at the start).
std::vector<std::byte> EncodeStepPayload(const StepPayload& payload);
StepPayload DecodeStepPayload(const StepPayloadShape& shape, std::span<const std::byte> bytes);

}  // namespace deit::train
