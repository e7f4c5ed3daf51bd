// Sampler: the endless sequence of training examples, position -> (epoch, image, repeat), and steps <-> epochs. An epoch has
// positions_per_epoch() positions. Offset o of an epoch shows image order(floor(o / k)), view o mod k, for repeated augmentation k. Step s
// takes positions s B .. s B + B - 1.
//   drop_last off: an epoch has n positions; nothing is dropped, no step is partial, and a step may span epochs.
//   drop_last on:  an epoch is floor(n / B) whole steps; the rest of its order is not shown.
// With K of the images labelled (the first K of LabelPermutation) and labelled_only, epochs keep their positions, and these run over the K
// images pass by pass: position p shows what offset p mod K of epoch floor(p / K) of a data set of these K images alone would.
// With a repeat_distance m (a micro-batch) the views of an image are m positions apart in the endless stream, so that no micro-batch has two:
// k m positions show m images, view by view. Images then come from orders of their own, ceil(positions_per_epoch() / k) images each, the first
// of EpochPermutation 0, 1, ... Epochs count positions as ever: a pass begins at most (k - 1) m positions before its epoch and, where k does not
// divide positions_per_epoch(), up to k - 1 positions later with each epoch.
#pragma once

#include <cstdint>

#include "common/base/status.h"
#include "common/plan/permutation.h"

namespace deit::plan {

struct SamplerOptions {
  uint64_t images;               // n: 1 .. ImagePermutation::kMaxImages
  uint64_t batch_size;           // B, global: 1 .. 2^32
  uint64_t repeated_aug = 1;     // k: views of one image per pass: 1 .. 2^32 - 1
  bool drop_last = false;        // timm's epochs
  uint64_t seed = 0;             // data.seed
  uint64_t labelled = 0;         // K: images that keep their labels, at most n; 0: all
  bool labelled_only = false;    // the others are not shown
  uint64_t repeat_distance = 0;  // m: positions between two views of an image, 1 .. 2^32; 0: they are side by side
};

// One training example. Its augmentation is keyed by (data.seed, position).
struct View {
  uint64_t position;
  uint64_t epoch;
  uint64_t image;        // index in the data set
  uint32_t repeat;       // 0 .. k - 1: which view of this image in this epoch (or pass)
  bool labelled = true;  // the image keeps its label
  bool operator==(const View&) const = default;
};

// Immutable and thread-safe.
class Sampler {
 public:
  // InvalidArgument for options out of range, and for drop_last with fewer images than a batch. All images labelled is no restriction:
  // options() then has labelled 0 and not labelled_only.
  static StatusOr<Sampler> Create(SamplerOptions options);

  View At(uint64_t position) const;

  const SamplerOptions& options() const { return options_; }
  uint64_t positions_per_epoch() const { return positions_per_epoch_; }

  // ceil(e n / B); with drop_last e floor(n / B). Epoch e's first whole step: with n < B several epochs share one. Results that do not
  // fit are the largest uint64_t.
  uint64_t FirstStepOfEpoch(uint64_t epoch) const;

  // Steps of a job of so many epochs: FirstStepOfEpoch(epochs). The last step may reach into epoch `epochs`.
  uint64_t StepsFor(uint64_t epochs) const { return FirstStepOfEpoch(epochs); }

  // The epoch of the step's first position: the largest e with FirstStepOfEpoch(e) <= step.
  uint64_t EpochOfStep(uint64_t step) const;

  // True if an epoch ends with this step's end, i.e. some e >= 1 has FirstStepOfEpoch(e) == step + 1: evaluate after it.
  bool EndsEpoch(uint64_t step) const;

  // Epochs done after `step`, counted from 0 and with a fraction: step B / positions_per_epoch. The schedule's time.
  double EpochsAt(uint64_t step) const;

 private:
  Sampler(SamplerOptions options, uint64_t positions_per_epoch)
      : options_(options), positions_per_epoch_(positions_per_epoch), label_permutation_(LabelPermutation(options.seed, options.images)) {}

  // Which image of which order, and which view of it.
  struct Place {
    uint64_t pass;
    uint64_t rank;
    uint32_t repeat;
  };
  Place PlaceOf(uint64_t position, uint64_t positions_per_pass) const;

  SamplerOptions options_;
  uint64_t positions_per_epoch_;
  ImagePermutation label_permutation_;
};

}  // namespace deit::plan
