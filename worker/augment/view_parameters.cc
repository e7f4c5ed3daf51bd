#include "worker/augment/view_parameters.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/plan/job_sampler.h"
#include "worker/augment/erasing.h"

namespace deit::augment {
namespace {

FilterChoice FiltersOf(v1::AugmentSpec::Interpolation interpolation) {
  using pixels::Filter;
  switch (interpolation) {
    case v1::AugmentSpec::BILINEAR: return {Filter::kBilinear, Filter::kBilinear};
    case v1::AugmentSpec::BICUBIC: return {Filter::kBicubic, Filter::kBicubic};
    case v1::AugmentSpec::RANDOM: return {Filter::kBicubic, Filter::kBilinear};
    case v1::AugmentSpec::BOX: return {Filter::kBox, Filter::kBox};
    case v1::AugmentSpec::LANCZOS: return {Filter::kLanczos, Filter::kLanczos};
  }
  return {};
}

// What the user wrote, of which a float is a little more or less: 0.3 and not 0.30000001.
double Decimal(float value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof(text), value);
  double decimal = value;
  std::from_chars(text, end.ptr, decimal);
  return decimal;
}

}  // namespace

ViewPolicy::ViewPolicy(const v1::JobSpec& spec, v1::AugmentSpec::Interpolation interpolation)
    : spec_(spec), seed_(plan::DataSeed(spec)), filters_(FiltersOf(interpolation)) {
  for (int c = 0; c < std::min(spec.data().mean_size(), 3); ++c) {  // timm's rounding: Python's
    fill_[static_cast<size_t>(c)] = static_cast<uint8_t>(std::min(255.0, std::nearbyint(255 * Decimal(spec.data().mean(c)))));
  }
}

StatusOr<ViewPolicy> ViewPolicy::ForTraining(const v1::JobSpec& spec) {
  ViewPolicy policy(spec, spec.augment().interpolation());
  policy.training_ = true;
  policy.colour_jitter_ = spec.augment().color_jitter();
  if (!spec.augment().aa().empty()) {
    DEIT_ASSIGN_OR_RETURN(const spec::RandAugment rand_augment, spec::ParseRandAugment(spec.augment().aa()));
    policy.rand_augment_.emplace(rand_augment, policy.filters_);
    using Set = spec::RandAugment::Set;  // timm drops the jitter beside the other sets
    if (rand_augment.set != Set::k3a && rand_augment.set != Set::k3aWeighted) policy.colour_jitter_ = 0;
  }
  return policy;
}

ViewPolicy ViewPolicy::ForEvaluation(const v1::JobSpec& spec) { return {spec, spec.evaluate().interpolation()}; }

// torchvision's ColorJitter: three factors in U(1 - v, 1 + v), not below 0, in random order.
void ViewPolicy::DrawColourJitter(uint64_t position, std::vector<Operation>* operations) const {
  if (colour_jitter_ == 0) return;
  static const OperationKind* const kKinds[] = {FindOperation("Brightness"), FindOperation("Contrast"), FindOperation("Color")};
  plan::RandomStream random(seed_, position, plan::Purpose::kColourJitter);
  const size_t begin = operations->size();
  for (const OperationKind* kind : kKinds) {
    const double low = std::max(0.0, 1 - colour_jitter_), high = 1 + colour_jitter_;
    operations->push_back({.kind = kind, .argument = low + (high - low) * random.Uniform()});
  }
  for (size_t left = 3; left > 1; --left) std::swap((*operations)[begin + left - 1], (*operations)[begin + random.Below(left)]);
}

void ViewPolicy::Draw(uint64_t position, int width, int height, ViewParameters* parameters) const {
  parameters->operations.clear();
  parameters->erasures.clear();
  parameters->filter = filters_.first;
  if (!training_) {
    parameters->framing = EvaluationFraming(spec_, width, height);
    return;
  }
  parameters->framing = TrainFraming(spec_, position, width, height);
  plan::RandomStream interpolation(seed_, position, plan::Purpose::kInterpolation);
  parameters->filter = filters_.Draw(&interpolation);
  if (rand_augment_) rand_augment_->Draw(seed_, position, &parameters->operations);
  DrawColourJitter(position, &parameters->operations);
  DrawErasures(spec_.augment(), seed_, position, spec_.model().img_size(), &parameters->erasures);
}

}  // namespace deit::augment
