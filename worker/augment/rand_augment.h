// RandAugment as timm draws it: the operations of a view and their magnitudes.
#pragma once

#include <cstdint>
#include <vector>

#include "common/spec/rand_augment.h"
#include "worker/augment/operation.h"

namespace deit::augment {

// How operations that move pixels interpolate: one of these at random, or the first where there is no second.
struct FilterChoice {
  pixels::Filter first = pixels::Filter::kBicubic;
  pixels::Filter second = pixels::Filter::kBicubic;
  pixels::Filter Draw(plan::RandomStream* random) const;  // draws nothing where both are the same
};

// Immutable and thread-safe.
class RandAugment {
 public:
  RandAugment(const spec::RandAugment& policy, const FilterChoice& filters);

  // Appends the operations of the view at `position`, keyed by (seed, position).
  void Draw(uint64_t seed, uint64_t position, std::vector<Operation>* operations) const;

 private:
  struct Weighted {
    const OperationKind* kind;
    double weight;
  };
  // Bit i: operation i of the set may not come again. Sets are small.
  using Used = uint32_t;
  double WeightLeft(Used used) const;
  size_t DrawIndex(Used used, plan::RandomStream* random) const;
  double DrawMagnitude(plan::RandomStream* random) const;

  spec::RandAugment policy_;
  FilterChoice filters_;
  std::vector<Weighted> set_;
  bool replace_ = true;  // operations may come twice
};

}  // namespace deit::augment
