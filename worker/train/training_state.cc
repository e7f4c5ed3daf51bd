#include "worker/train/training_state.h"

#include <algorithm>
#include <bit>

#include "worker/state/state_digest.h"
#include "worker/train/evaluator.h"
#include "worker/train/trainer.h"

namespace deit::train {
namespace {

constexpr int kNobody = -1;  // owns no shard

bool HasEma(const v1::JobSpec& spec, Purpose purpose) { return purpose == Purpose::kTraining && spec.ema().decay() > 0; }

}  // namespace

TrainingState::TrainingState(const v1::JobSpec& spec, const Engine& engine, int64_t bucket_elements, Purpose purpose)
    : grid_(ParameterShapes(engine.tensors()), bucket_elements), buffers_(engine.tensors(), HasEma(spec, purpose)),
      optimizer_(update::NewOptimizer(spec.optimizer())) {}

StatusOr<std::unique_ptr<TrainingState>> TrainingState::Form(collective::Communicator& world, const v1::JobSpec& spec,
                                                             int64_t evaluation_images, Engine& engine, int64_t bucket_elements,
                                                             Purpose purpose) {
  auto space = std::unique_ptr<TrainingState>(new TrainingState(spec, engine, bucket_elements, purpose));
  const bool trains = purpose == Purpose::kTraining;
  const int64_t chunk = spec.evaluate().batch_size();
  exchange::WorkerGroupOptions options;
  options.lanes = trains ? spec.train().lanes() : static_cast<int>(std::bit_ceil(static_cast<unsigned>(world.size())));
  options.gradients = trains;
  options.order = spec.train().reduction() == v1::TrainSpec::EXACT ? exchange::LaneOrder::kTree : exchange::LaneOrder::kSequential;
  options.statistics = space->buffers_.size();
  options.compute_copy = spec.train().precision() == v1::BF16;
  options.deadline.limit = absl::Seconds(spec.fault().stall_timeout());
  options.for_each = update::OnThreads(spec.threads_per_worker());
  options.payload_capacity = [&](const exchange::ExchangePlan& plan) {
    return std::max({Trainer::PayloadCapacity(plan, space->grid_, space->buffers_.size()), state::StateDigestPayloadCapacity(space->grid_),
                     EvaluationPayloadCapacity((evaluation_images + chunk - 1) / chunk, plan.topology().workers())});
  };
  DEIT_ASSIGN_OR_RETURN(space->worker_group_, exchange::WorkerGroup::Create(world, space->grid_, options));
  space->owned_ = std::make_unique<state::OwnedState>(space->grid_, space->worker_group_->plan().shards(), trains ? world.rank() : kNobody,
                                                      *space->optimizer_, HasEma(spec, purpose), options.for_each);
  space->state_ = {&engine.tensors(),   &space->grid_,    space->worker_group_.get(),
                   space->owned_.get(), &space->buffers_, space->optimizer_.get()};

  StateView view;
  view.weights = space->worker_group_->memory().weights();
  view.compute_weights = space->worker_group_->memory().compute_weights();
  view.buffers = space->buffers_.values();
  const std::vector<int> parameter = ParameterIndex(engine.tensors());
  for (size_t t = 0; t < parameter.size(); ++t) {
    view.offset.push_back(parameter[t] >= 0 ? space->grid_.tensors()[static_cast<size_t>(parameter[t])].offset
                                            : space->buffers_.offset_of(static_cast<int>(t)));
  }
  engine.Bind(view);
  return space;
}

}  // namespace deit::train
