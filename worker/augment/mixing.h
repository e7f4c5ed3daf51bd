// Mixup and CutMix inside one micro-batch, as timm's Mixup (timm/data/mixup.py): the partner of view i of n is view n - 1 - i.
#pragma once

#include <cstdint>
#include <vector>

#include "common/plan/philox.h"
#include "proto/spec.pb.h"
#include "worker/pixels/image.h"

namespace deit::augment {

// What one view becomes. Its pixels: MIXUP keep * own + take * partner's; CUTMIX own, inside `box` the partner's. Its target:
// keep * own + (1 - keep) * partner's, where CUTMIX's `keep` is the share of pixels that is left of its own.
struct Mix {
  enum class Kind { kNone, kMixup, kCutmix };

  Kind kind = Kind::kNone;
  float keep = 1;
  float take = 0;
  pixels::Rectangle box;
  friend bool operator==(const Mix&, const Mix&) = default;
};

// True where the job mixes: augment.mixup, augment.cutmix or augment.cutmix_minmax is set.
bool Mixes(const v1::AugmentSpec& augment);

// How the `count` (even) views of the micro-batch that begins at `position` mix, keyed by (seed, position); pictures are size x size. One
// draw for all (BATCH), for each pair, or for each view (ELEM), with augment.mixup_prob.
void DrawMixes(const v1::AugmentSpec& augment, uint64_t seed, uint64_t position, int count, int size, std::vector<Mix>* mixes);

// Beta(alpha, alpha), alpha > 0: Johnk's algorithm up to 1 (as numpy), Gamma variates by Marsaglia and Tsang above.
double DrawBeta(double alpha, plan::RandomStream* random);

// In place. `pixels`: mixes.size() views of channels planes of size x size. In fp32, each product rounded, as PyTorch on a CPU.
void ApplyMixes(const std::vector<Mix>& mixes, int channels, int size, float* pixels);

}  // namespace deit::augment
