#include "worker/augment/erasing.h"

#include <algorithm>
#include <cmath>

#include "worker/augment/draws.h"
#include "worker/pixels/noise.h"

namespace deit::augment {
namespace {

constexpr double kMinArea = 0.02, kMaxArea = 1.0 / 3, kMinAspect = 0.3;
constexpr int kErasureTries = 10;

}  // namespace

void DrawErasures(const v1::AugmentSpec& augment, uint64_t seed, uint64_t position, int size, std::vector<pixels::Rectangle>* boxes) {
  boxes->clear();
  if (augment.reprob() == 0) return;
  plan::RandomStream random(seed, position, plan::Purpose::kErasing);
  if (random.Uniform() >= augment.reprob()) return;
  const int count = augment.recount() == 1 ? 1 : 1 + UpTo(augment.recount() - 1, &random);
  const double area = static_cast<double>(size) * size;
  const double log_aspect = std::log(kMinAspect);
  for (int box = 0; box < count; ++box) {
    for (int k = 0; k < kErasureTries; ++k) {
      const double target = Uniform(kMinArea, kMaxArea, &random) * area / count;
      const double aspect = std::exp(Uniform(log_aspect, -log_aspect, &random));
      const int height = static_cast<int>(std::nearbyint(std::sqrt(target * aspect)));
      const int width = static_cast<int>(std::nearbyint(std::sqrt(target / aspect)));
      if (width >= size || height >= size) continue;
      const int top = UpTo(size - height, &random);
      boxes->push_back({UpTo(size - width, &random), top, width, height});
      break;
    }
  }
}

void Erase(v1::AugmentSpec::Erasing mode, uint64_t seed, uint64_t position, const std::vector<pixels::Rectangle>& boxes, int channels,
           int size, float* pixels) {
  const auto side = static_cast<size_t>(size);
  for (size_t b = 0; b < boxes.size(); ++b) {
    const pixels::Rectangle& box = boxes[b];
    const auto width = static_cast<size_t>(box.width);
    const pixels::NoiseKey key{seed, position, plan::Purpose::kErasing, static_cast<uint32_t>(b) + 1};
    uint64_t drawn = 0;  // numbers of this box so far
    for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
      float colour = 0;
      if (mode == v1::AugmentSpec::RAND) pixels::FillNormal(key, drawn++, 1, &colour);
      for (int y = box.top; y < box.top + box.height; ++y) {
        float* row = pixels + (c * side + static_cast<size_t>(y)) * side + static_cast<size_t>(box.left);
        if (mode != v1::AugmentSpec::PIXEL) {
          std::fill_n(row, width, colour);
          continue;
        }
        pixels::FillNormal(key, drawn, width, row);
        drawn += width;
      }
    }
  }
}

}  // namespace deit::augment
