#include "worker/pixels/enhance.h"

#include <algorithm>
#include <cmath>

namespace deit::pixels {
namespace {

constexpr int kBoxBlurs = 3;

// A box of 2 radius + 1 pixels and two that count in part: weights of 24 fractional bits.
struct Box {
  int radius;
  uint32_t whole;  // weight of each of the 2 radius + 1
  uint32_t part;   // of the two beyond
};

// The box whose kBoxBlurs-fold blur has the variance of a Gaussian: Gwosdek et al., "Theoretical foundations of Gaussian convolution by
// extended box filtering", SSVM 2011, equations 7, 11 and 14; in Pillow's mixture of float and double.
Box BoxOf(double gaussian_radius) {
  const auto radius = static_cast<float>(gaussian_radius);
  const float sigma2 = radius * radius / static_cast<float>(kBoxBlurs);
  const auto length = static_cast<float>(std::sqrt(12.0 * static_cast<double>(sigma2) + 1.0));
  const auto l = static_cast<float>(std::floor((static_cast<double>(length) - 1.0) / 2.0));
  float a = (2 * l + 1) * (l * (l + 1) - 3 * sigma2);
  a /= 6 * (sigma2 - (l + 1) * (l + 1));
  const float box = l + a;
  constexpr uint32_t kOne = 1u << 24;
  Box result{};
  result.radius = static_cast<int>(box);
  result.whole = static_cast<uint32_t>(static_cast<float>(kOne) / (box * 2 + 1));
  result.part = (kOne - static_cast<uint32_t>(result.radius * 2 + 1) * result.whole) / 2;
  return result;
}

// One line of `length` samples that lie `step` apart; ends are repeated.
void BlurLine(const Box& box, const uint8_t* in, int length, size_t step, uint8_t* out) {
  const auto at = [&](int i) -> uint32_t { return in[static_cast<size_t>(std::clamp(i, 0, length - 1)) * step]; };
  uint32_t sum = 0;
  for (int i = -box.radius - 1; i < box.radius; ++i) sum += at(i);
  for (int i = 0; i < length; ++i, out += step) {
    sum += at(i + box.radius) - at(i - box.radius - 1);
    const uint32_t value = sum * box.whole + (at(i - box.radius - 1) + at(i + box.radius + 1)) * box.part;
    *out = static_cast<uint8_t>((value + (1u << 23)) >> 24);
  }
}

}  // namespace

void Saturation(double factor, Image* image, Image* scratch, const Kernels& kernels) {
  if (image->channels == 1) return;
  scratch->Reset(image->width, image->height, 3);
  kernels.gray(image->pixels.data(), image->pixels.size() / 3, scratch->pixels.data());
  kernels.blend(scratch->pixels.data(), static_cast<float>(factor), image->pixels.size(), image->pixels.data());
}

void Sharpness(double factor, Image* image, Image* scratch, const Kernels& kernels) {
  const auto channels = static_cast<size_t>(image->channels);
  const size_t bytes = image->row_bytes();
  *scratch = *image;
  for (int y = 1; y < image->height - 1 && image->width > 2; ++y) {
    kernels.smooth_row(image->row(y - 1), image->row(y), image->row(y + 1), channels, bytes - channels, channels, scratch->row(y));
  }
  kernels.blend(scratch->pixels.data(), static_cast<float>(factor), image->pixels.size(), image->pixels.data());
}

void GaussianBlur(double radius, Image* image, Image* scratch) {
  const Box box = BoxOf(radius);
  scratch->Reset(image->width, image->height, image->channels);
  const auto channels = static_cast<size_t>(image->channels);
  for (int pass = 0; pass < kBoxBlurs; ++pass, std::swap(*image, *scratch)) {
    for (int y = 0; y < image->height; ++y) {
      for (size_t c = 0; c < channels; ++c) BlurLine(box, image->row(y) + c, image->width, channels, scratch->row(y) + c);
    }
  }
  for (int pass = 0; pass < kBoxBlurs; ++pass, std::swap(*image, *scratch)) {
    for (size_t i = 0; i < image->row_bytes(); ++i)
      BlurLine(box, image->row(0) + i, image->height, image->row_bytes(), scratch->row(0) + i);
  }
}

}  // namespace deit::pixels
