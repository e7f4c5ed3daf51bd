// Memory that training a job takes, from its spec alone: estimated before the first step, and without LibTorch.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/status.h"
#include "common/machine/memory_room.h"
#include "proto/spec.pb.h"

namespace deit::fit {

// Bytes of all workers of one node.
struct MemoryEstimate {
  int64_t program = 0;      // code and libraries
  int64_t weights = 0;      // one copy of the node's
  int64_t slots = 0;        // gradients
  int64_t state = 0;        // moments and averages
  int64_t activations = 0;  // of a lane's images for the backward pass, or of a piece of evaluation
  int64_t teacher = 0;      // weights, and what it computes on the way to its outputs
  int64_t loader = 0;       // pixels of micro-batches and of a chunk of evaluation

  int64_t total() const { return program + weights + slots + state + activations + teacher + loader; }
};

// Of `workers` workers, the first `on_node` of which share a node; 1 <= on_node <= workers <= train.lanes. `resolved`: a valid job. Within 15 %
// of what was measured for DeiT-Ti, S and B, ResNet-50 and a RegNetY-16GF teacher.
StatusOr<MemoryEstimate> EstimateTraining(const v1::JobSpec& resolved, int workers, int on_node);

// "2.1GiB (activations 1.2GiB, gradients 0.4GiB, ...)", largest part first, without parts below a hundredth.
std::string Describe(const MemoryEstimate& estimate);

// Empty where the estimate is within `room`; else what to do: how many lanes would fit, or how many workers.
StatusOr<std::string> MemoryWarning(const v1::JobSpec& resolved, int workers, int on_node, const machine::MemoryRoom& room);

}  // namespace deit::fit
