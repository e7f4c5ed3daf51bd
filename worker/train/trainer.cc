#include "worker/train/trainer.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "common/base/digest.h"
#include "common/plan/schedule.h"
#include "worker/exchange/tree_sum.h"
#include "worker/update/block_math.h"

namespace deit::train {
namespace {

using exchange::Phase;

constexpr absl::Duration kLook = absl::Milliseconds(10);  // at most between two looks at the wish while a lane is computed

// Adds the seconds of its life to a sum.
class Stopwatch {
 public:
  explicit Stopwatch(double* seconds) : seconds_(seconds), start_(Clock::System().Elapsed()) {}
  ~Stopwatch() { *seconds_ += absl::ToDoubleSeconds(Clock::System().Elapsed() - start_); }

 private:
  double* seconds_;
  absl::Duration start_;
};

size_t PixelsPerView(const v1::JobSpec& spec) {
  const size_t side = static_cast<size_t>(spec.model().img_size());
  return static_cast<size_t>(spec.model().in_chans()) * side * side;
}

// Sums of batch statistics that a worker sends: those of its lanes' maximal subtrees, or the one sum of all its lanes.
size_t StatisticsSums(const exchange::ExchangePlan& plan, int worker) {
  return std::max<size_t>(1, plan.AccumulationOf(worker).sums.size());
}

// By worker.
std::vector<StepPayloadShape> ShapesOf(const exchange::ExchangePlan& plan, const plan::Grid& grid, int64_t statistics) {
  std::vector<StepPayloadShape> shapes(static_cast<size_t>(plan.topology().workers()));
  for (int w = 0; w < plan.topology().workers(); ++w) {
    StepPayloadShape& shape = shapes[static_cast<size_t>(w)];
    shape.lanes = static_cast<size_t>(plan.LanesOf(w).size());
    shape.statistics = static_cast<size_t>(statistics) * StatisticsSums(plan, w);
  }
  for (int b = 0; b < static_cast<int>(grid.blocks().size()); ++b) ++shapes[static_cast<size_t>(plan.shards().OwnerOfBlock(b))].blocks;
  return shapes;
}

}  // namespace

std::vector<int> ParameterIndex(const std::vector<models::TensorSpec>& tensors) {
  std::vector<int> index;
  int parameters = 0;
  for (const auto& tensor : tensors) index.push_back(tensor.role == models::TensorRole::kParameter ? parameters++ : -1);
  return index;
}

std::vector<plan::TensorShape> ParameterShapes(const std::vector<models::TensorSpec>& tensors) {
  std::vector<plan::TensorShape> shapes;
  for (const auto& tensor : tensors) {
    if (tensor.role == models::TensorRole::kParameter) shapes.push_back({tensor.name, tensor.shape});
  }
  return shapes;
}

size_t Trainer::PayloadCapacity(const exchange::ExchangePlan& plan, const plan::Grid& grid, int64_t statistics) {
  size_t capacity = 0;
  for (const StepPayloadShape& shape : ShapesOf(plan, grid, statistics)) {
    capacity = std::max({capacity, shape.bytes(), 2 * shape.blocks * sizeof(double)});
  }
  return capacity;
}

Trainer::Trainer(const v1::JobSpec& spec, const plan::Sampler& sampler, const state::JobState& state, Engine& engine, int64_t updates_done)
    : spec_(spec), sampler_(sampler), state_(state), engine_(engine), updates_done_(updates_done) {
  exchange::Context& context = state.worker_group->context();
  const exchange::ExchangePlan& plan = state.worker_group->plan();
  const bool exact = plan.order() == exchange::LaneOrder::kTree;
  reducer_ = exact ? exchange::NewExactReducer(&context) : exchange::NewFastestReducer(&context);
  std::vector<float*> slots;
  for (int s = 0; s < plan.AccumulationOf(context.worker()).slots; ++s) slots.push_back(context.memory->slot(context.member(), s));
  accumulator_ = std::make_unique<LaneAccumulator>(*state.grid, ParameterIndex(engine.tensors()), std::move(slots), state.buffers->size());
  shapes_ = ShapesOf(plan, *state.grid, state.buffers->size());
  for (const StepPayloadShape& shape : shapes_) sizes_.push_back(shape.bytes());
  for (const auto& tensor : engine.tensors()) {
    if (tensor.role == models::TensorRole::kParameter) weight_decay_.push_back(tensor.decay ? spec.optimizer().weight_decay() : 0.0);
  }
  statistics_.resize(static_cast<size_t>(state.buffers->size()));
}

StatusOr<StepResult> Trainer::Step(uint64_t step, BatchSource& source, const DesiredStepEnd& desired_end) {
  state_.worker_group->context().step = step;
  desired_end_ = &desired_end;
  left_ = false;
  step_ledger_ = {};
  engine_.OnPiece([this] { return PieceDone(); });
  std::vector<LaneMetrics> metrics;
  DEIT_RETURN_IF_ERROR(RunLanes(source, &metrics));
  if (!left_) {
    Stopwatch watch(&times_.communication);
    state_.worker_group->context().Report(Phase::kReduce);
    DEIT_RETURN_IF_ERROR(reducer_->Finish([this] { return MustLeave(); }));
  }
  const StepEnd end = left_ ? StepEnd::kGivenUp : std::min(desired_end(), StepEnd::kStopAfter);  // what is computed is not given up
  DEIT_ASSIGN_OR_RETURN(const StepFacts facts, ExchangeFacts(std::move(metrics), end));
  StepResult result;
  result.decision = DecideStep(facts, spec_.optimizer().clip_grad());
  if (result.decision.given_up) return result;
  ledger_.Merge(step_ledger_);
  result.learning_rate = plan::LearningRate(spec_, sampler_, step);
  if (result.decision.update) DEIT_RETURN_IF_ERROR(Update(result.decision, result.learning_rate));
  Stopwatch watch(&times_.communication);
  state_.worker_group->context().Report(Phase::kGather);
  DEIT_RETURN_IF_ERROR(state_.worker_group->parameter_all_gather().Publish());
  return result;
}

// Whether the step in progress is not worth going on with, since this or another worker gives it up.
bool Trainer::MustLeave() {
  if (left_) return true;
  exchange::Context& context = state_.worker_group->context();
  next_look_ = Clock::System().Elapsed() + kLook;
  if (!context.StepGivenUp()) {
    if ((*desired_end_)() != StepEnd::kGivenUp) return false;
    context.GiveStepUp();
  }
  return left_ = true;
}

bool Trainer::PieceDone() {
  state_.worker_group->context().AddPiece();
  return Clock::System().Elapsed() < next_look_ || !MustLeave();
}

Status Trainer::RunLanes(BatchSource& source, std::vector<LaneMetrics>* metrics) {
  const auto& accumulation = state_.worker_group->plan().AccumulationOf(state_.worker_group->context().worker());
  DEIT_RETURN_IF_ERROR(reducer_->BeginStep());
  for (size_t k = 0; k < accumulation.lanes.size(); ++k) {
    if (MustLeave()) return absl::OkStatus();
    auto lane = RunLane(source, accumulation.lanes[k], k + 1 == accumulation.lanes.size());
    if (left_) return absl::OkStatus();  // whatever became of the lane
    DEIT_RETURN_IF_ERROR(lane.status());
    metrics->push_back(*lane);
    ++lanes_computed_;
  }
  return absl::OkStatus();
}

StatusOr<LaneMetrics> Trainer::RunLane(BatchSource& source, const plan::LaneStep& lane, bool last) {
  exchange::Context& context = state_.worker_group->context();
  const data::MicroBatch* batch = nullptr;
  {
    Stopwatch watch(&times_.data);
    context.Report(Phase::kData);
    DEIT_ASSIGN_OR_RETURN(batch, source.Next([this] { return MustLeave(); }));
    DEIT_CHECK(batch != nullptr && batch->step == context.step, "the loader is at another step");
    const size_t pixels = PixelsPerView(spec_);
    for (size_t i = 0; i < batch->views.size(); ++i)
      step_ledger_.Add(batch->views[i], Digest64(batch->pixels + i * pixels, pixels * sizeof(float)));
  }
  context.Report(Phase::kCompute);
  accumulator_->BeginLane(lane, last ? [this](int ready) { return reducer_->SetBucketsReady(ready); } : std::function<Status(int)>());
  DEIT_ASSIGN_OR_RETURN(LaneMetrics metrics, engine_.TrainLane(*batch, *accumulator_));
  metrics.replaced = batch->replaced;
  DEIT_RETURN_IF_ERROR(accumulator_->EndLane());
  return metrics;
}

StatusOr<StepFacts> Trainer::ExchangeFacts(std::vector<LaneMetrics> metrics, StepEnd end) {
  const exchange::ExchangePlan& plan = state_.worker_group->plan();
  exchange::NodeBuffers& memory = state_.worker_group->memory();
  const int member = state_.worker_group->context().member();
  StepPayload mine;
  mine.end = end;
  mine.lanes = std::move(metrics);
  mine.lanes.resize(shapes_[static_cast<size_t>(state_.worker_group->context().worker())].lanes);
  {
    Stopwatch watch(&times_.optimizer);
    mine.squares = state_.owned->Squares(memory.slot(member, 0));
  }
  Stopwatch watch(&times_.communication);
  state_.worker_group->context().Report(Phase::kExchange);
  const auto& sums = plan.AccumulationOf(state_.worker_group->context().worker()).sums;
  for (size_t k = 0; k < StatisticsSums(plan, state_.worker_group->context().worker()); ++k) {
    const float* from = memory.slot(member, sums.empty() ? 0 : sums[k].slot) + state_.grid->elements();
    mine.statistics.insert(mine.statistics.end(), from, from + state_.buffers->size());
  }
  DEIT_RETURN_IF_ERROR(state_.worker_group->gather().Exchange(EncodeStepPayload(mine), sizes_, "results"));

  StepFacts facts;
  facts.squares.resize(state_.grid->blocks().size());
  std::vector<StepPayload> payloads;
  for (int w = 0; w < plan.topology().workers(); ++w) {
    payloads.push_back(DecodeStepPayload(shapes_[static_cast<size_t>(w)], state_.worker_group->gather().Of(w)));
    const StepPayload& payload = payloads.back();
    facts.end = std::max(facts.end, payload.end);
    facts.lanes.insert(facts.lanes.end(), payload.lanes.begin(), payload.lanes.end());
  }
  std::vector<size_t> next(payloads.size());  // each worker's blocks come in the grid's order
  for (size_t b = 0; b < facts.squares.size(); ++b) {
    const auto owner = static_cast<size_t>(plan.shards().OwnerOfBlock(static_cast<int>(b)));
    facts.squares[b] = payloads[owner].squares[next[owner]++];
  }
  if (facts.end != StepEnd::kGivenUp) CombineStatistics(payloads);
  return facts;
}

// The sums over all lanes, along the lane tree as the gradients are.
void Trainer::CombineStatistics(const std::vector<StepPayload>& payloads) {
  if (statistics_.empty()) return;
  const exchange::ExchangePlan& plan = state_.worker_group->plan();
  std::vector<plan::Subtree> subtrees;
  std::vector<const float*> inputs;
  for (size_t w = 0; w < payloads.size(); ++w) {
    for (size_t k = 0; k < StatisticsSums(plan, static_cast<int>(w)); ++k)
      inputs.push_back(payloads[w].statistics.data() + k * statistics_.size());
    for (const auto& sum : plan.AccumulationOf(static_cast<int>(w)).sums) subtrees.push_back(sum.subtree);
  }
  const int64_t count = static_cast<int64_t>(statistics_.size());
  std::memcpy(statistics_.data(), inputs[0], statistics_.size() * sizeof(float));
  if (plan.order() == exchange::LaneOrder::kSequential) {
    for (size_t k = 1; k < inputs.size(); ++k) update::Add(inputs[k], statistics_.data(), count);
    return;
  }
  float* const out = statistics_.data();
  exchange::RunTreeProgram(plan::CombineSubtrees(subtrees, plan.lanes()), inputs, {&out, 1}, count);
}

Status Trainer::Update(const StepDecision& decision, double learning_rate) {
  Stopwatch watch(&times_.optimizer);
  state_.worker_group->context().Report(Phase::kUpdate);
  exchange::NodeBuffers& memory = state_.worker_group->memory();
  const double ema_decay = spec_.ema().decay();
  float* const gradients = memory.slot(state_.worker_group->context().member(), 0);
  state_.owned->Update(*state_.optimizer, {learning_rate, ++updates_done_, decision.gradient_scale}, weight_decay_, ema_decay, gradients,
                       memory.weights());
  if (state_.optimizer->by_tensor()) {
    DEIT_ASSIGN_OR_RETURN(const std::vector<double> rates, TensorRates(learning_rate, gradients));
    state_.owned->ApplyDirection(rates, ema_decay, gradients, memory.weights());
  }
  state_.worker_group->parameter_all_gather().CastOwnShards();
  state_.buffers->Update(statistics_.data(), state_.worker_group->plan().lanes(), ema_decay);
  return absl::OkStatus();
}

// The rate of each tensor, from norms of its weights and of its direction: owners' sums over blocks, in a second metadata all-gather, added up by
// each worker along the same tree.
StatusOr<std::vector<double>> Trainer::TensorRates(double learning_rate, const float* directions) {
  const plan::Grid& grid = *state_.grid;
  const plan::Shards& shards = state_.worker_group->plan().shards();
  std::vector<double> mine = state_.owned->Squares(state_.worker_group->memory().weights());
  const std::vector<double> of_directions = state_.owned->Squares(directions);
  mine.insert(mine.end(), of_directions.begin(), of_directions.end());
  std::vector<size_t> sizes, owned;
  for (const StepPayloadShape& shape : shapes_) {
    owned.push_back(shape.blocks);
    sizes.push_back(2 * shape.blocks * sizeof(double));
  }
  DEIT_RETURN_IF_ERROR(state_.worker_group->gather().Exchange(std::as_bytes(std::span(mine)), sizes, "norms of tensors"));

  std::vector<double> weight_squares(grid.blocks().size()), direction_squares(grid.blocks().size());
  std::vector<size_t> next(shapes_.size());
  for (int b = 0; b < static_cast<int>(grid.blocks().size()); ++b) {
    const auto owner = static_cast<size_t>(shards.OwnerOfBlock(b));
    const std::byte* const from = state_.worker_group->gather().Of(static_cast<int>(owner)).data();
    const size_t place = next[owner]++;
    std::memcpy(&weight_squares[static_cast<size_t>(b)], from + place * sizeof(double), sizeof(double));
    std::memcpy(&direction_squares[static_cast<size_t>(b)], from + (owned[owner] + place) * sizeof(double), sizeof(double));
  }
  std::vector<double> rates;
  for (int tensor = 0; tensor < static_cast<int>(grid.tensors().size()); ++tensor) {
    const plan::BlockRange blocks = grid.BlocksOfTensor(tensor);
    rates.push_back(learning_rate * state_.optimizer->TensorRate(weight_decay_[static_cast<size_t>(tensor)],
                                                                 update::TreeSum(weight_squares.data() + blocks.begin, blocks.size()),
                                                                 update::TreeSum(direction_squares.data() + blocks.begin, blocks.size())));
  }
  return rates;
}

}  // namespace deit::train
