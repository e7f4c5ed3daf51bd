// Compute engine: forward and backward passes of one micro-batch. The trainer depends on this interface only, not on torch or models; tests
// train with an engine of a few lines.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/models/tensor_spec.h"
#include "worker/data/micro_batch.h"
#include "worker/train/evaluation_report.h"
#include "worker/train/lane_accumulator.h"

namespace deit::train {

// The model's state, as the engine sees it. Not owned; unchanged for the engine's life.
struct StateView {
  const float* weights = nullptr;             // flat, on the grid
  const uint16_t* compute_weights = nullptr;  // bfloat16 copy of the same, or null
  std::vector<int64_t> offset;                // by tensor of the model: into the flat buffers (parameters) or into `buffers`
  const float* buffers = nullptr;             // running statistics
};

// Of one lane's micro-batch; means over its images.
struct LaneMetrics {
  double loss = 0, base = 0, distill = 0;
  int64_t images = 0, correct = 0;  // correct: argmax of the fused logits equals the label
  int64_t replaced = 0;             // views that showed another image than their own; of the loader, not the engine
};

// Of some images; sums.
struct EvaluationCounts {
  int64_t images = 0, correct_head = 0, correct_dist = 0, correct_fused = 0, correct5_fused = 0;
  double loss = 0;
};

// Seconds spent by this worker.
struct EngineTimes {
  double teacher = 0, forward = 0, backward = 0;
};

// One thread at a time. Errors: Internal for a failure inside the tensor library.
class Engine {
 public:
  virtual ~Engine() = default;

  // The student's tensors, in state-dict order. Constant.
  virtual const std::vector<models::TensorSpec>& tensors() const = 0;

  // What results depend on besides the spec: library versions, this program's build, processor, environment, threads, precision. One line; compared between workers.
  virtual std::string numerics() const = 0;

  // Once, before the first pass.
  virtual void Bind(const StateView& state) = 0;

  // `done` is called after each piece of work of the passes that follow (a block of the network, forward or backward), on their thread; false
  // makes the pass end with Cancelled, at once, having delivered whatever it has. Null: nothing is called.
  virtual void OnPiece(std::function<bool()> done) = 0;

  // One lane of one step: gradients (and batch statistics) go into `into` as they become known.
  virtual StatusOr<LaneMetrics> TrainLane(const data::MicroBatch& batch, LaneAccumulator& into) = 0;

  // pixels: [count, C, S, S] fp32.
  virtual StatusOr<EvaluationCounts> Evaluate(const float* pixels, const std::vector<int32_t>& labels) = 0;

  // The report of no images, and more of them added to it: the student's heads, both together, the teacher if there is one, tokens.
  virtual EvaluationReport NewReport() const = 0;
  virtual Status Report(const float* pixels, const std::vector<int32_t>& labels, EvaluationReport* report) = 0;

  virtual const EngineTimes& times() const = 0;
  virtual int64_t teacher_forwards() const = 0;  // micro-batches that the teacher computed
};

}  // namespace deit::train
