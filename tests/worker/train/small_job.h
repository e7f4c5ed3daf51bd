// A job whose model is a few formulas, so that everything around an engine is tested without one: gradients are a pure function of
// weights, pixels and labels, and their last bits depend on the order in which images and lanes are added.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/plan/sampler.h"
#include "proto/spec.pb.h"
#include "worker/collective/local_communicator.h"
#include "worker/data/loader.h"
#include "worker/train/trainer.h"
#include "worker/train/training_state.h"

namespace deit::train {

// With batch norm; in several buckets of WorkerOptions' default size. One tensor has two blocks.
std::vector<models::TensorSpec> LargeTensors();
std::vector<models::TensorSpec> TinyTensors();  // less than a thousand parameters

// 8 lanes of 3 views, clipping and EMA on.
v1::JobSpec SmallSpec();

// Pixels by formula from the view's name, 1 channel of 4 x 4; labels image mod 10.
class FormulaViews final : public data::ViewSource {
 public:
  int channels() const override { return 1; }
  int size() const override { return 4; }
  Status Render(const plan::View& view, float* pixels, data::Rendered* rendered) const override;
};

enum class Fault { kNone, kLoss, kGradient };

struct EngineOptions {
  std::vector<models::TensorSpec> tensors = LargeTensors();
  int backwards_lane = -1;     // adds its images from the last to the first
  Fault fault = Fault::kNone;  // what is not finite in lane 5 of fault_step
  uint64_t fault_step = 0;
  uint64_t fault_steps = 1;                        // and of so many that follow from it
  absl::Duration backward = absl::ZeroDuration();  // of each lane, spread over its tensors
};

class FormulaEngine final : public Engine {
 public:
  explicit FormulaEngine(EngineOptions options) : options_(std::move(options)) {}

  const std::vector<models::TensorSpec>& tensors() const override { return options_.tensors; }
  std::string numerics() const override { return "formulas"; }
  void Bind(const StateView& state) override { state_ = state; }
  void OnPiece(std::function<bool()> done) override { piece_done_ = std::move(done); }
  StatusOr<LaneMetrics> TrainLane(const data::MicroBatch& batch, LaneAccumulator& into) override;
  StatusOr<EvaluationCounts> Evaluate(const float* pixels, const std::vector<int32_t>& labels) override;
  EvaluationReport NewReport() const override { return {{"low", "high"}, 400}; }  // more numbers than are shared at once
  Status Report(const float* pixels, const std::vector<int32_t>& labels, EvaluationReport* report) override;
  const EngineTimes& times() const override { return times_; }
  int64_t teacher_forwards() const override { return 0; }

  void BeforeLastTensor(std::function<void()> hook) {
    before_last_ = std::move(hook);
  }                                                                                    // called before a lane's last gradient is delivered
  const std::vector<std::pair<uint64_t, int>>& computed() const { return computed_; }  // (step, lane)

 private:
  bool IsFaulty(const data::MicroBatch& batch) const;
  float Weight(size_t tensor, int64_t i) const;
  void Deliver(size_t tensor, const std::vector<float>& features, const data::MicroBatch& batch, LaneAccumulator& into);

  EngineOptions options_;
  StateView state_;
  EngineTimes times_;
  std::function<void()> before_last_;
  std::function<bool()> piece_done_;
  std::vector<std::pair<uint64_t, int>> computed_;
};

// Hands out another's micro-batches after `change` has been at a copy of each.
class TamperedSource final : public BatchSource {
 public:
  TamperedSource(BatchSource* inner, std::function<void(data::MicroBatch*)> change) : inner_(inner), change_(std::move(change)) {}
  StatusOr<const data::MicroBatch*> Next(absl::FunctionRef<bool()> leave) override;

 private:
  BatchSource* inner_;
  std::function<void(data::MicroBatch*)> change_;
  data::MicroBatch batch_;
  std::vector<float> pixels_;
};

struct WorkerOptions {
  uint64_t images = 50;
  EngineOptions engine;
  std::function<void(data::MicroBatch*)> tamper = nullptr;
  int64_t bucket_elements = 100;
};

// One worker of the job. Failures show as test failures.
class SmallWorker {
 public:
  SmallWorker(collective::Communicator& world, const v1::JobSpec& spec, const WorkerOptions& options);

  void Initialise();                             // weights from the seed; starts at step 0
  void StartAt(uint64_t step, int64_t updates);  // what is in the workspace is the state before `step`
  StatusOr<StepResult> Step(StepEnd desired_end = StepEnd::kGoOn);
  StatusOr<StepResult> Step(const DesiredStepEnd& desired_end);
  void Steps(uint64_t count);

  uint64_t weights() const { return weights_digest_(); }
  uint64_t state();  // collective
  uint64_t step() const { return step_; }
  TrainingState& training_state() { return *training_state_; }
  Trainer& trainer() { return *trainer_; }
  FormulaEngine& engine() { return engine_; }
  const plan::Sampler& sampler() const { return *sampler_; }

 private:
  const v1::JobSpec spec_;
  const WorkerOptions options_;
  FormulaViews views_;
  FormulaEngine engine_;
  std::unique_ptr<plan::Sampler> sampler_;
  std::unique_ptr<TrainingState> training_state_;
  std::unique_ptr<data::Loader> loader_;
  std::unique_ptr<BatchSource> batches_, source_;
  std::unique_ptr<Trainer> trainer_;
  std::function<uint64_t()> weights_digest_;
  uint64_t step_ = 0;
};

// A whole run on threads, and what came of it.
struct Outcome {
  uint64_t weights = 0, state = 0;
  double gradient_norm = 0;                                 // of the last step
  plan::Ledger ledger;                                      // of all workers
  std::vector<std::pair<uint64_t, int>> computed;           // (step, lane), sorted
  std::vector<int64_t> optimizer_bytes, bytes_sent, lanes;  // by worker
};

Outcome Train(int workers, uint64_t steps, const v1::JobSpec& spec, const WorkerOptions& options = {},
              const collective::LocalOptions& local = {});

}  // namespace deit::train
