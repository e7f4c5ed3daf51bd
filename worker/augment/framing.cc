#include "worker/augment/framing.h"

#include <algorithm>
#include <cmath>

#include "common/plan/job_sampler.h"
#include "common/spec/resolve.h"
#include "worker/augment/draws.h"

namespace deit::augment {
namespace {

constexpr int kCropTries = 10;

// Python's round(): halves go to the even neighbour.
int Round(double value) { return static_cast<int>(std::nearbyint(value)); }

Framing Scaled(const Rectangle& crop, int size) {
  return {.crop = crop, .width = size, .height = size, .left = 0, .top = 0, .flip = false};
}

// Where no try fits: the largest central crop whose aspect is allowed.
Rectangle Fallback(int width, int height, const v1::AugmentSpec& augment) {
  const double aspect = static_cast<double>(width) / height;
  int w = width, h = height;
  if (aspect < augment.ratio_min()) {
    h = std::clamp(Round(width / augment.ratio_min()), 1, height);
  } else if (aspect > augment.ratio_max()) {
    w = std::clamp(Round(height * augment.ratio_max()), 1, width);
  }
  return {(width - w) / 2, (height - h) / 2, w, h};
}

Framing ShowAll(const v1::JobSpec& spec, int width, int height, double ratio) {
  const int size = spec.model().img_size();
  return spec::UsesResizedCrop(spec) ? CentreCrop(width, height, size, ratio) : Whole(width, height, size);
}

}  // namespace

Framing Whole(int width, int height, int size) { return Scaled({0, 0, width, height}, size); }

Framing CentreCrop(int width, int height, int size, double ratio) {
  const int short_side = std::max(static_cast<int>(size / ratio), size);
  const auto scale = [&](int side) { return static_cast<int>(int64_t{short_side} * side / std::min(width, height)); };
  Framing framing{.crop = {0, 0, width, height}, .width = scale(width), .height = scale(height)};
  framing.left = Round((framing.width - size) / 2.0);
  framing.top = Round((framing.height - size) / 2.0);
  return framing;
}

Framing ResizedCrop(int width, int height, int size, const v1::AugmentSpec& augment, plan::RandomStream random) {
  const double area = static_cast<double>(width) * height;
  const double log_ratio_min = std::log(augment.ratio_min());
  const double log_ratio_max = std::log(augment.ratio_max());
  for (int k = 0; k < kCropTries; ++k) {
    const double target = area * Uniform(augment.scale_min(), augment.scale_max(), &random);
    const double aspect = std::exp(Uniform(log_ratio_min, log_ratio_max, &random));
    const double w = std::nearbyint(std::sqrt(target * aspect));
    const double h = std::nearbyint(std::sqrt(target / aspect));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    Rectangle crop{0, 0, static_cast<int>(w), static_cast<int>(h)};
    crop.top = UpTo(height - crop.height, &random);
    crop.left = UpTo(width - crop.width, &random);
    return Scaled(crop, size);
  }
  return Scaled(Fallback(width, height, augment), size);
}

Framing PaddedCrop(int width, int height, int size, int padding, plan::RandomStream random) {
  Framing framing = Whole(width, height, size);
  framing.top = UpTo(2 * padding, &random) - padding;
  framing.left = UpTo(2 * padding, &random) - padding;
  return framing;
}

Framing TrainFraming(const v1::JobSpec& spec, uint64_t position, int width, int height) {
  const v1::AugmentSpec& augment = spec.augment();
  const int size = spec.model().img_size();
  const uint64_t seed = plan::DataSeed(spec);
  const plan::RandomStream random(seed, position, plan::Purpose::kCrop);
  Framing framing = augment.crop() == v1::AugmentSpec::RESIZED  ? ResizedCrop(width, height, size, augment, random)
                    : augment.crop() == v1::AugmentSpec::PADDED ? PaddedCrop(width, height, size, augment.crop_padding(), random)
                                                                : ShowAll(spec, width, height, kCentreRatio);
  framing.flip = plan::RandomStream(seed, position, plan::Purpose::kFlip).Uniform() < augment.hflip();
  return framing;
}

Framing EvaluationFraming(const v1::JobSpec& spec, int width, int height) {
  return ShowAll(spec, width, height, spec.evaluate().crop_ratio());
}

}  // namespace deit::augment
