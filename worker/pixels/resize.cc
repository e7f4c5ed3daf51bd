#include "worker/pixels/resize.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/base/status.h"

namespace deit::pixels {
namespace {

constexpr int kWeightBits = 22;

double Box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double Triangle(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

double Cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

double Sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double Lanczos(double x) { return -3.0 <= x && x < 3.0 ? Sinc(x) * Sinc(x / 3) : 0.0; }

struct Shape {
  double (*weight)(double);
  double support;
};

Shape ShapeOf(Filter filter) {
  switch (filter) {
    case Filter::kBox: return {Box, 0.5};
    case Filter::kBilinear: return {Triangle, 1.0};
    case Filter::kBicubic: return {Cubic, 2.0};
    case Filter::kLanczos: return {Lanczos, 3.0};
    case Filter::kNearest: break;
  }
  DEIT_CHECK(false, "no such resize");
  return {};
}

}  // namespace

// For outputs [begin, begin + outputs) of out_size.
void Resizer::Prepare(int in_size, int out_size, int begin, int outputs, Filter filter, Taps* taps) {
  const Shape shape = ShapeOf(filter);
  const double scale = static_cast<double>(in_size) / out_size;
  const double filter_scale = std::max(scale, 1.0);
  const double support = shape.support * filter_scale;
  const double inverse = 1.0 / filter_scale;
  const auto size = static_cast<size_t>(outputs);
  taps->stride = static_cast<int>(std::ceil(support)) * 2 + 2;
  taps->first.resize(size);
  taps->count.resize(size);
  taps->weights.resize(size * static_cast<size_t>(taps->stride));
  exact_.resize(static_cast<size_t>(taps->stride));
  for (size_t x = 0; x < size; ++x) {
    const double centre = (begin + static_cast<double>(x) + 0.5) * scale;
    const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
    const int count = std::min(static_cast<int>(centre + support + 0.5), in_size) - first;
    taps->first[x] = first;
    taps->count[x] = count;
    double sum = 0;
    for (int k = 0; k < count; ++k) {
      const double weight = shape.weight((static_cast<double>(k) + first - centre + 0.5) * inverse);
      exact_[static_cast<size_t>(k)] = weight;
      sum += weight;
    }
    int32_t* rounded = &taps->weights[x * static_cast<size_t>(taps->stride)];
    for (int k = 0; k < count; ++k) {
      const double exact = exact_[static_cast<size_t>(k)];
      const double weight = (sum != 0 ? exact / sum : exact) * (1 << kWeightBits);
      rounded[k] = static_cast<int32_t>(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    rounded[count] = 0;
  }
}

void Resizer::Horizontal(const Image& in, const Rectangle& crop, int first_row, int rows) {
  between_.Reset(static_cast<int>(across_.first.size()), rows, in.channels);
  const uint8_t* const end = in.pixels.data() + in.pixels.size();
  for (int y = 0; y < rows; ++y) {
    const uint8_t* from = in.row(crop.top + first_row + y) + crop.left * in.channels;
    kernels_.resize_row(from, static_cast<size_t>(end - from), across_, in.channels, between_.row(y));
  }
}

void Resizer::Vertical(int first_row, Image* out) {
  for (int y = 0; y < out->height; ++y) {
    const auto output = static_cast<size_t>(y);
    kernels_.resize_column(between_.row(down_.first[output] - first_row), down_.of(output), down_.count[output], out->row_bytes(),
                           out->row(y));
  }
}

void Resizer::Resize(const Image& in, const Rectangle& crop, int width, int height, const Rectangle& window, Filter filter, Image* out) {
  Prepare(crop.width, width, window.left, window.width, filter, &across_);
  Prepare(crop.height, height, window.top, window.height, filter, &down_);
  out->Reset(window.width, window.height, in.channels);
  const int first_row = down_.first.front();
  Horizontal(in, crop, first_row, down_.first.back() + down_.count.back() - first_row);
  Vertical(first_row, out);
}

}  // namespace deit::pixels
