#include "coordinator/api/plan.h"

#include "common/dataset/index.h"
#include "common/plan/job_sampler.h"
#include "common/plan/lanes.h"

namespace deit::api {
namespace {

v1::PlanPlace Describe(uint64_t step, int lane, uint64_t slot, const plan::View& view) {
  v1::PlanPlace place;
  place.set_step(step);
  place.set_lane(static_cast<uint64_t>(lane));
  place.set_slot(slot);
  place.set_position(view.position);
  place.set_epoch(view.epoch);
  place.set_repeat(view.repeat);
  place.set_image(view.image);
  place.set_labelled(view.labelled);
  return place;
}

v1::PlanPlace LargestPlace(const plan::Sampler& sampler, int lanes, uint64_t end_step) {
  const uint64_t batch_size = sampler.options().batch_size;
  v1::PlanPlace largest =
      Describe(end_step - 1, lanes - 1, batch_size / static_cast<uint64_t>(lanes) - 1, sampler.At(end_step * batch_size - 1));
  largest.set_repeat(sampler.options().repeated_aug - 1);
  largest.set_image(sampler.options().images - 1);
  largest.set_labelled(true);
  return largest;
}

}  // namespace

Status ShowPlan(const v1::JobSpec& job, const std::string& index_folder, StepRange steps, PlanSink& sink) {
  DEIT_CHECK(steps.begin < steps.end && steps.end <= kMaxPlanSteps, steps.begin, ":", steps.end);
  DEIT_ASSIGN_OR_RETURN(const auto index, dataset::OpenIndex(job, dataset::Split::kTrain, index_folder));
  DEIT_ASSIGN_OR_RETURN(const plan::Sampler sampler, plan::SamplerOf(job, static_cast<uint64_t>(index->size())));
  const int lanes = job.train().lanes();
  const uint64_t batch_size = sampler.options().batch_size;
  const uint64_t micro_batch = batch_size / static_cast<uint64_t>(lanes);
  sink.Begin(LargestPlace(sampler, lanes, steps.end));
  for (uint64_t step = steps.begin; step < steps.end; ++step) {
    for (int lane = 0; lane < lanes; ++lane) {
      for (uint64_t slot = 0; slot < micro_batch; ++slot) {
        sink.Place(Describe(step, lane, slot, sampler.At(plan::PositionOf(step, lane, slot, batch_size, lanes))));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace deit::api
