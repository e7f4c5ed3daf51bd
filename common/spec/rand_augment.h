// timm's RandAugment strings, such as "rand-m9-mstd0.5-inc1" (timm/data/auto_augment.py): sections after "rand", in any order.
//   mN     magnitude, a whole number of tenths (10)          nN     operations per view (2)
//   pX     probability of each operation (0.5)               incN   0, or not: operations that grow with the magnitude (0)
//   mstdX  standard deviation of the magnitude (0); above 100: uniform in [0, magnitude]
//   mmaxN  largest magnitude after that (10)                 tNAME  set of operations: weights, 3a, 3aw; any other name: the usual one
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::spec {

struct RandAugment {
  enum class Set { kUsual, kWeights, k3a, k3aWeighted };

  int magnitude = 10;
  int layers = 2;
  double probability = 0.5;
  bool increasing = false;
  double magnitude_std = 0;  // infinity: uniform
  int magnitude_max = 10;
  Set set = Set::kUsual;
};

inline constexpr int kMaxRandAugmentLayers = 14;      // the smaller weighted set has so many, and is drawn from without replacement
inline constexpr int kMaxRandAugmentMagnitude = 100;  // keeps what is computed from it in range

// InvalidArgument with a sentence about the section that is wrong. Stricter than timm: what it would ignore or crash on is refused.
StatusOr<RandAugment> ParseRandAugment(absl::string_view text);

}  // namespace deit::spec
