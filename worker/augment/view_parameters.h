// Random parameters of one view, printed by preview and followed by rendering. Every draw is a keyed function of (data.seed, position,
// purpose).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "proto/spec.pb.h"
#include "worker/augment/framing.h"
#include "worker/augment/operation.h"
#include "worker/augment/rand_augment.h"

namespace deit::augment {

// In the order in which they are done. Reused from view to view.
struct ViewParameters {
  Framing framing;
  pixels::Filter filter = pixels::Filter::kBicubic;  // of the framing
  std::vector<Operation> operations;                 // on 8-bit pixels
  std::vector<pixels::Rectangle> erasures;           // after normalisation
};

// What a job draws. Immutable and thread-safe.
class ViewPolicy {
 public:
  // Of training views. InvalidArgument for an augment.aa that cannot be read (the spec's validation has seen it). `spec` is resolved.
  static StatusOr<ViewPolicy> ForTraining(const v1::JobSpec& spec);
  // Framing alone, by evaluate.crop_ratio and evaluate.interpolation.
  static ViewPolicy ForEvaluation(const v1::JobSpec& spec);

  // For the view at `position` of a picture of width x height.
  void Draw(uint64_t position, int width, int height, ViewParameters* parameters) const;

  const v1::JobSpec& spec() const { return spec_; }
  uint64_t seed() const { return seed_; }
  bool trains() const { return training_; }
  bool replaces_bad_images() const { return training_ && spec_.data().on_bad_image() == v1::DataSpec::REPLACE; }
  // Whether views of one image come one after another.
  bool repeats_images() const { return training_ && spec_.augment().repeated_aug() > 1 && !spec_.augment().spread_repeats(); }
  pixels::Colour fill() const { return fill_; }  // around pictures that an operation moves: the mean

 private:
  ViewPolicy(const v1::JobSpec& spec, v1::AugmentSpec::Interpolation interpolation);
  void DrawColourJitter(uint64_t position, std::vector<Operation>* operations) const;

  v1::JobSpec spec_;
  bool training_ = false;
  uint64_t seed_;
  pixels::Colour fill_{};
  FilterChoice filters_;
  double colour_jitter_ = 0;
  std::optional<RandAugment> rand_augment_;
};

}  // namespace deit::augment
