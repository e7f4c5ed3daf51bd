#include "worker/augment/rand_augment.h"

#include <algorithm>
#include <cmath>

#include "common/base/status.h"

namespace deit::augment {
namespace {

using Set = spec::RandAugment::Set;

struct Named {
  absl::string_view name;
  double weight = 1;
};

// timm/data/auto_augment.py: _RAND_TRANSFORMS, _RAND_INCREASING_TRANSFORMS, _RAND_WEIGHTED_0, _RAND_3A, _RAND_WEIGHTED_3A.
const std::vector<Named>& NamesOf(Set set, bool increasing) {
  static const std::vector<Named> kUsual = {{"AutoContrast"}, {"Equalize"},    {"Invert"}, {"Rotate"},        {"Posterize"},
                                            {"Solarize"},     {"SolarizeAdd"}, {"Color"},  {"Contrast"},      {"Brightness"},
                                            {"Sharpness"},    {"ShearX"},      {"ShearY"}, {"TranslateXRel"}, {"TranslateYRel"}};
  static const std::vector<Named> kIncreasing = {{"AutoContrast"},
                                                 {"Equalize"},
                                                 {"Invert"},
                                                 {"Rotate"},
                                                 {"PosterizeIncreasing"},
                                                 {"SolarizeIncreasing"},
                                                 {"SolarizeAdd"},
                                                 {"ColorIncreasing"},
                                                 {"ContrastIncreasing"},
                                                 {"BrightnessIncreasing"},
                                                 {"SharpnessIncreasing"},
                                                 {"ShearX"},
                                                 {"ShearY"},
                                                 {"TranslateXRel"},
                                                 {"TranslateYRel"}};
  static const std::vector<Named> kWeights = {{"Rotate", 3},
                                              {"ShearX", 2},
                                              {"ShearY", 2},
                                              {"TranslateXRel", 1},
                                              {"TranslateYRel", 1},
                                              {"ColorIncreasing", .25},
                                              {"SharpnessIncreasing", .25},
                                              {"AutoContrast", .25},
                                              {"SolarizeIncreasing", .05},
                                              {"SolarizeAdd", .05},
                                              {"ContrastIncreasing", .05},
                                              {"BrightnessIncreasing", .05},
                                              {"Equalize", .05},
                                              {"PosterizeIncreasing", .05},
                                              {"Invert", .05}};
  static const std::vector<Named> k3a = {{"SolarizeIncreasing"}, {"Desaturate"}, {"GaussianBlur"}};
  static const std::vector<Named> k3aWeighted = {{"SolarizeIncreasing", 6},
                                                 {"Desaturate", 6},
                                                 {"GaussianBlur", 6},
                                                 {"Rotate", 3},
                                                 {"ShearX", 2},
                                                 {"ShearY", 2},
                                                 {"PosterizeIncreasing", 1},
                                                 {"AutoContrast", 1},
                                                 {"ColorIncreasing", 1},
                                                 {"SharpnessIncreasing", 1},
                                                 {"ContrastIncreasing", 1},
                                                 {"BrightnessIncreasing", 1},
                                                 {"Equalize", 1},
                                                 {"Invert", 1}};
  switch (set) {
    case Set::kWeights: return kWeights;
    case Set::k3a: return k3a;
    case Set::k3aWeighted: return k3aWeighted;
    case Set::kUsual: break;
  }
  return increasing ? kIncreasing : kUsual;
}

}  // namespace

pixels::Filter FilterChoice::Draw(plan::RandomStream* random) const { return first == second || random->Uniform() < 0.5 ? first : second; }

RandAugment::RandAugment(const spec::RandAugment& policy, const FilterChoice& filters)
    : policy_(policy), filters_(filters), replace_(policy.set == Set::kUsual || policy.set == Set::k3a) {
  for (const Named& named : NamesOf(policy.set, policy.increasing)) {
    const OperationKind* kind = FindOperation(named.name);
    DEIT_CHECK(kind != nullptr, named.name);
    set_.push_back({kind, named.weight});
  }
}

double RandAugment::WeightLeft(Used used) const {
  double total = 0;
  for (size_t i = 0; i < set_.size(); ++i) total += (used >> i & 1) != 0 ? 0 : set_[i].weight;
  return total;
}

// One by weight, among those not used.
size_t RandAugment::DrawIndex(Used used, plan::RandomStream* random) const {
  double at = random->Uniform() * WeightLeft(used);
  size_t chosen = 0;
  for (size_t i = 0; i < set_.size(); ++i) {
    if ((used >> i & 1) != 0) continue;
    chosen = i;  // rounding may leave a rest after the last one
    if (at < set_[i].weight) break;
    at -= set_[i].weight;
  }
  return chosen;
}

double RandAugment::DrawMagnitude(plan::RandomStream* random) const {
  const double m = policy_.magnitude, std = policy_.magnitude_std;
  const double drawn = std::isinf(std) ? m * random->Uniform() : std > 0 ? m + std * random->Normal() : m;
  return std::clamp(drawn, 0.0, static_cast<double>(policy_.magnitude_max));
}

void RandAugment::Draw(uint64_t seed, uint64_t position, std::vector<Operation>* operations) const {
  Used used = 0;
  for (int layer = 0; layer < policy_.layers; ++layer) {
    plan::RandomStream random(seed, position, plan::Purpose::kAugment, static_cast<uint32_t>(layer));
    const size_t index = DrawIndex(used, &random);
    if (!replace_) used |= Used{1} << index;
    const OperationKind* kind = set_[index].kind;
    const bool skip = random.Uniform() >= policy_.probability;
    const double magnitude = DrawMagnitude(&random);
    if (skip) continue;
    Operation operation{.kind = kind};
    if (kind->argument != nullptr) operation.argument = kind->argument(magnitude, &random);
    if (kind->moves_pixels) operation.filter = filters_.Draw(&random);
    operations->push_back(operation);
  }
}

}  // namespace deit::augment
