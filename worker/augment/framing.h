// Crop geometry of a view: pure arithmetic on sizes and keyed random numbers.
#pragma once

#include <cstdint>

#include "common/plan/philox.h"
#include "proto/spec.pb.h"
#include "worker/pixels/image.h"

namespace deit::augment {

using pixels::Rectangle;

// A view shows the S x S window at (left, top) of `crop` scaled to width x height. The window may reach outside: there samples are 0.
struct Framing {
  Rectangle crop;
  int width = 0;  // of the scaled crop
  int height = 0;
  int left = 0;
  int top = 0;
  bool flip = false;  // left to right, of the window

  bool scales() const { return width != crop.width || height != crop.height; }
  friend bool operator==(const Framing&, const Framing&) = default;
};

inline constexpr double kCentreRatio = 0.875;  // DeiT's --eval-crop-ratio

// The whole picture, scaled to size x size.
Framing Whole(int width, int height, int size);

// torchvision's Resize(int(size / ratio)) of the short side and CenterCrop(size); its roundings. `ratio` in (0, 1].
Framing CentreCrop(int width, int height, int size, double ratio = kCentreRatio);

// torchvision's RandomResizedCrop: ten tries of area U(scale) and aspect exp(U(log ratio)), then a central crop with the nearest aspect
// allowed.
Framing ResizedCrop(int width, int height, int size, const v1::AugmentSpec& augment, plan::RandomStream random);

// torchvision's RandomCrop(size, padding) of the picture scaled to size x size.
Framing PaddedCrop(int width, int height, int size, int padding, plan::RandomStream random);

// The framing of one training view, flip included. augment.crop is resolved. CENTER frames as evaluation does by default.
Framing TrainFraming(const v1::JobSpec& spec, uint64_t position, int width, int height);

// The framing of evaluation: CentreCrop by evaluate.crop_ratio of photographs (spec::UsesResizedCrop), else Whole.
Framing EvaluationFraming(const v1::JobSpec& spec, int width, int height);

}  // namespace deit::augment
