#include "tests/worker/train/small_job.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "common/plan/job_sampler.h"
#include "tests/support/rank_harness.h"
#include "worker/exchange/agreement.h"
#include "worker/state/state_digest.h"

namespace deit::train {
namespace {

using models::Init;
using models::TensorRole;
using models::TensorSpec;

constexpr size_t kPixels = 16;
constexpr uint64_t kFarStep = 1'000'000;

std::vector<TensorSpec> Tensors(int64_t large) {
  return {
      {.name = "stem.weight", .shape = {3, 5}, .init = Init::kUniform, .scale = 0.5, .decay = true, .compute_precision = true},
      {.name = "bn.weight", .shape = {4}, .init = Init::kOnes},
      {.name = "bn.bias", .shape = {4}, .init = Init::kZeros},
      {.name = "bn.running_mean", .shape = {4}, .role = TensorRole::kRunningMean, .init = Init::kZeros},
      {.name = "bn.running_var", .shape = {4}, .role = TensorRole::kRunningVar, .init = Init::kOnes},
      {.name = "bn.num_batches_tracked", .shape = {}, .role = TensorRole::kBatchesTracked},
      {.name = "large.weight", .shape = {large, 10}, .init = Init::kNormal, .scale = 0.02, .decay = true, .compute_precision = true},
      {.name = "head.weight", .shape = {large / 2, 10}, .init = Init::kNormal, .scale = 0.02, .decay = true},
      {.name = "head.bias", .shape = {10}, .init = Init::kZeros},
  };
}

// One number of each image, which everything else is made from.
float Feature(const float* pixels, int32_t label) {
  float sum = 0.1f * static_cast<float>(label);
  for (size_t j = 0; j < kPixels; ++j) sum += pixels[j] * (static_cast<float>(j % 5) - 1.8f);
  return sum;
}

const std::array<float, 128>& Directions() {
  static const std::array<float, 128> table = [] {
    std::array<float, 128> values{};
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(std::sin(static_cast<double>(i) + 1));
    return values;
  }();
  return table;
}

void BusyWait(absl::Duration duration) {
  const absl::Duration end = Clock::System().Elapsed() + duration;
  while (Clock::System().Elapsed() < end) {
  }
}

}  // namespace

std::vector<TensorSpec> LargeTensors() { return Tensors(6700); }
std::vector<TensorSpec> TinyTensors() { return Tensors(30); }

v1::JobSpec SmallSpec() {
  v1::JobSpec spec;
  spec.mutable_model()->set_img_size(4);
  spec.mutable_model()->set_in_chans(1);
  spec.mutable_train()->set_batch_size(24);
  spec.mutable_train()->set_lanes(8);
  spec.mutable_train()->set_epochs(20);
  spec.mutable_train()->set_seed(5);
  spec.mutable_optimizer()->set_opt("adamw");
  spec.mutable_optimizer()->set_lr(0.01);
  spec.mutable_optimizer()->set_scale_lr(false);
  spec.mutable_optimizer()->set_clip_grad(0.5);
  spec.mutable_schedule()->set_sched("cosine");
  spec.mutable_schedule()->set_warmup_epochs(2);
  spec.mutable_ema()->set_decay(0.9);
  spec.mutable_evaluate()->set_batch_size(7);
  spec.mutable_fault()->set_stall_timeout(60);
  return spec;
}

Status FormulaViews::Render(const plan::View& view, float* pixels, data::Rendered* rendered) const {
  uint64_t x = view.position * 1000003 + view.image * 7919 + view.repeat;
  for (size_t j = 0; j < kPixels; ++j) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    pixels[j] = static_cast<float>(x >> 40) * 0x1p-24f - 0.5f;
  }
  rendered->label = static_cast<int32_t>(view.image % 10);
  return absl::OkStatus();
}

bool FormulaEngine::IsFaulty(const data::MicroBatch& batch) const {
  return batch.lane == 5 && batch.step >= options_.fault_step && batch.step - options_.fault_step < options_.fault_steps;
}

float FormulaEngine::Weight(size_t tensor, int64_t i) const {
  const int64_t at = state_.offset[tensor] + i;
  if (state_.compute_weights == nullptr || !options_.tensors[tensor].compute_precision) return state_.weights[at];
  float wide = 0;
  update::CastToFloat(state_.compute_weights + at, &wide, 1);
  return wide;
}

void FormulaEngine::Deliver(size_t tensor, const std::vector<float>& features, const data::MicroBatch& batch, LaneAccumulator& into) {
  const TensorSpec& spec = options_.tensors[tensor];
  std::vector<float> gradient(static_cast<size_t>(spec.size()));
  for (size_t i = 0; i < gradient.size(); ++i) {
    const float direction = Directions()[(i * 5 + tensor) % 128] + 0.3f * Weight(tensor, static_cast<int64_t>(i));
    for (const float feature : features) gradient[i] += feature * direction;
  }
  const bool bad = options_.fault == Fault::kGradient && IsFaulty(batch);
  if (bad && tensor == 0) gradient[3] = std::numeric_limits<float>::infinity();
  if (state_.compute_weights && spec.compute_precision) {
    std::vector<update::BFloat16Bits> narrow(gradient.size());
    update::CastToBFloat16(gradient.data(), narrow.data(), spec.size());
    into.Accept(static_cast<int>(tensor), narrow.data());
  } else {
    into.Accept(static_cast<int>(tensor), gradient.data());
  }
}

StatusOr<LaneMetrics> FormulaEngine::TrainLane(const data::MicroBatch& batch, LaneAccumulator& into) {
  computed_.emplace_back(batch.step, batch.lane);
  std::vector<float> features;
  LaneMetrics metrics;
  for (size_t i = 0; i < batch.views.size(); ++i) {
    features.push_back(Feature(batch.pixels + i * kPixels, batch.labels[i]));
    metrics.loss += static_cast<double>(features.back() * features.back());
    metrics.correct += batch.labels[i] == 0;
  }
  metrics.images = static_cast<int64_t>(features.size());
  metrics.base = metrics.loss /= static_cast<double>(features.size());
  if (batch.lane == options_.backwards_lane) std::reverse(features.begin(), features.end());
  if (options_.fault == Fault::kLoss && IsFaulty(batch)) metrics.loss = std::nan("");

  for (size_t t = options_.tensors.size(); t-- > 0;) {
    BusyWait(options_.backward / static_cast<int64_t>(options_.tensors.size()));
    if (piece_done_ && !piece_done_()) return absl::CancelledError("given up");
    if (t == 0 && before_last_) before_last_();
    const TensorRole role = options_.tensors[t].role;
    if (role == TensorRole::kParameter) Deliver(t, features, batch, into);
    if (role != TensorRole::kRunningMean && role != TensorRole::kRunningVar) continue;
    for (size_t k = 0; k < 4; ++k) {
      const float first = features[0] * Directions()[k];
      into.statistics_scratch()[static_cast<size_t>(state_.offset[t]) + k] = role == TensorRole::kRunningMean ? first : 1 + first * first;
    }
  }
  into.CommitStatistics();
  return metrics;
}

StatusOr<EvaluationCounts> FormulaEngine::Evaluate(const float* pixels, const std::vector<int32_t>& labels) {
  EvaluationCounts counts;
  if (piece_done_ && !piece_done_()) return absl::CancelledError("given up");
  counts.images = static_cast<int64_t>(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    const float logit = Feature(pixels + i * kPixels, labels[i]) * Weight(0, 2) + state_.buffers[1];
    counts.loss += static_cast<double>(logit * logit);
    counts.correct_head += labels[i] < 3;
    counts.correct_dist += labels[i] < 2;
    counts.correct_fused += labels[i] == 7;
    counts.correct5_fused += labels[i] > 4;
  }
  return counts;
}

// One voice prefers the lower classes of ten, one the higher ones, both by an image's feature.
Status FormulaEngine::Report(const float* pixels, const std::vector<int32_t>& labels, EvaluationReport* report) {
  for (size_t i = 0; i < labels.size(); ++i) {
    const float feature = Feature(pixels + i * kPixels, labels[i]) * Weight(0, 2);
    std::array<float, 10> low{}, high{};
    for (size_t c = 0; c < 10; ++c) {
      low[c] = feature - 0.1f * static_cast<float>(c);
      high[c] = feature * static_cast<float>(c);
    }
    report->Add({low.data(), high.data()}, 10, labels[i]);
    for (int64_t layer = 0; layer < report->layers(); ++layer) report->AddCosine(layer, std::sin(feature + static_cast<float>(layer)));
  }
  return absl::OkStatus();
}

StatusOr<const data::MicroBatch*> TamperedSource::Next(absl::FunctionRef<bool()> leave) {
  DEIT_ASSIGN_OR_RETURN(const data::MicroBatch* batch, inner_->Next(leave));
  if (batch == nullptr) return nullptr;
  batch_ = *batch;
  pixels_.assign(batch->pixels, batch->pixels + batch->views.size() * kPixels);
  pixels_.resize(pixels_.size() + kPixels);  // room for one more view
  batch_.pixels = pixels_.data();
  change_(&batch_);
  return &batch_;
}

SmallWorker::SmallWorker(collective::Communicator& world, const v1::JobSpec& spec, const WorkerOptions& options)
    : spec_(spec), options_(options), engine_(options.engine) {
  sampler_ = std::make_unique<plan::Sampler>(plan::SamplerOf(spec_, options.images).value());
  training_state_ = TrainingState::Form(world, spec_, static_cast<int64_t>(options.images), engine_, options.bucket_elements).value();
  weights_digest_ = [this] { return state::WeightsDigest(training_state_->state()); };
}

void SmallWorker::Initialise() {
  const Status filled = state::InitialiseWeights(training_state_->state(), spec_.train().seed());
  EXPECT_TRUE(filled.ok()) << filled;
  StartAt(0, 0);
}

void SmallWorker::StartAt(uint64_t step, int64_t updates) {
  step_ = step;
  data::LoaderOptions loading;
  loading.lanes = training_state_->worker_group().plan().LanesOf(training_state_->worker_group().context().worker());
  loading.lane_count = spec_.train().lanes();
  loading.batch_size = spec_.train().batch_size();
  loading.first_step = step;
  loading.end_step = kFarStep;
  loader_ = data::Loader::Start(*sampler_, views_, loading).value();
  batches_ = std::make_unique<LoaderSource>(loader_.get());
  if (options_.tamper) source_ = std::make_unique<TamperedSource>(batches_.get(), options_.tamper);
  else source_ = std::move(batches_);
  trainer_ = std::make_unique<Trainer>(spec_, *sampler_, training_state_->state(), engine_, updates);
}

StatusOr<StepResult> SmallWorker::Step(StepEnd desired_end) {
  return Step([desired_end] { return desired_end; });
}

StatusOr<StepResult> SmallWorker::Step(const DesiredStepEnd& desired_end) { return trainer_->Step(step_++, *source_, desired_end); }

void SmallWorker::Steps(uint64_t count) {
  for (uint64_t k = 0; k < count; ++k) {
    const auto result = Step();
    ASSERT_TRUE(result.ok()) << result.status();
  }
}

uint64_t SmallWorker::state() {
  const auto digest = state::StateDigest(training_state_->state());
  EXPECT_TRUE(digest.ok()) << digest.status();
  return digest.value_or(0);
}

Outcome Train(int workers, uint64_t steps, const v1::JobSpec& spec, const WorkerOptions& options, const collective::LocalOptions& local) {
  std::vector<Outcome> each(static_cast<size_t>(workers));
  testing::RunOnThreads(
      workers,
      [&](collective::Communicator& world) {
        SmallWorker worker(world, spec, options);
        worker.Initialise();
        Outcome& mine = each[static_cast<size_t>(world.rank())];
        for (uint64_t step = 0; step < steps; ++step) {
          const auto result = worker.Step();
          ASSERT_TRUE(result.ok()) << result.status();
          mine.gradient_norm = result->decision.gradient_norm;
        }
        mine.weights = worker.weights();
        mine.state = worker.state();
        mine.ledger = worker.trainer().ledger();
        mine.computed = worker.engine().computed();
        mine.optimizer_bytes = {worker.training_state().state().owned->bytes()};
        mine.bytes_sent = {worker.trainer().bytes_sent()};
        mine.lanes = {worker.trainer().lanes_computed()};
        // Its memory is not freed while another worker still reads it.
        EXPECT_TRUE(exchange::ShareNumbers(world, {absl::Seconds(30)}, 0, "the end").ok());
      },
      local);
  Outcome all = each[0];
  for (size_t w = 1; w < each.size(); ++w) {
    EXPECT_EQ(each[w].weights, all.weights) << "worker " << w;
    EXPECT_EQ(each[w].state, all.state) << "worker " << w;
    EXPECT_EQ(each[w].gradient_norm, all.gradient_norm) << "worker " << w;
    all.ledger.Merge(each[w].ledger);
    all.computed.insert(all.computed.end(), each[w].computed.begin(), each[w].computed.end());
    all.optimizer_bytes.push_back(each[w].optimizer_bytes[0]);
    all.bytes_sent.push_back(each[w].bytes_sent[0]);
    all.lanes.push_back(each[w].lanes[0]);
  }
  std::sort(all.computed.begin(), all.computed.end());
  return all;
}

}  // namespace deit::train
