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

// weights[k] for `count` inputs from `first` on; returns their sum.
template <double (*WEIGHT)(double)>
double Weigh(int first, int count, double centre, double inverse, double* weights) {
  double sum = 0;
  for (int k = 0; k < count; ++k) {
    weights[k] = WEIGHT((static_cast<double>(k) + first - centre + 0.5) * inverse);
    sum += weights[k];
  }
  return sum;
}

struct Shape {
  double (*weigh)(int, int, double, double, double*);
  double support;
};

Shape ShapeOf(Filter filter) {
  switch (filter) {
    case Filter::kBox: return {Weigh<Box>, 0.5};
    case Filter::kBilinear: return {Weigh<Triangle>, 1.0};
    case Filter::kBicubic: return {Weigh<Cubic>, 2.0};
    case Filter::kLanczos: return {Weigh<Lanczos>, 3.0};
    case Filter::kNearest: break;
  }
  DEIT_CHECK(false, "no such resize");
  return {};
}

// Which of in_size inputs the outputs take.
struct Reach {
  Reach(int in_size, int out_size, Filter filter)
      : shape(ShapeOf(filter)), inputs(in_size), scale(static_cast<double>(in_size) / out_size), filter_scale(std::max(scale, 1.0)),
        support(shape.support * filter_scale) {}

  double Centre(int output) const { return (output + 0.5) * scale; }
  int First(int output) const { return std::max(static_cast<int>(Centre(output) - support + 0.5), 0); }
  int End(int output) const { return std::min(static_cast<int>(Centre(output) + support + 0.5), inputs); }

  Shape shape;
  int inputs;
  double scale;
  double filter_scale;
  double support;
};

}  // namespace

Rectangle SourceOf(const Rectangle& crop, int width, int height, const Rectangle& window, Filter filter) {
  const Reach across(crop.width, width, filter), down(crop.height, height, filter);
  const int left = across.First(window.left), top = down.First(window.top);
  return {crop.left + left, crop.top + top, across.End(window.left + window.width - 1) - left,
          down.End(window.top + window.height - 1) - top};
}

// For outputs [begin, begin + outputs) of out_size, the last first where flipped, of inputs that begin at in_begin.
void Resizer::Prepare(int in_begin, int in_size, int out_size, int begin, int outputs, bool flip, Filter filter, Taps* taps) {
  const Reach reach(in_size, out_size, filter);
  const double inverse = 1.0 / reach.filter_scale;
  const auto size = static_cast<size_t>(outputs);
  taps->stride = static_cast<int>(std::ceil(reach.support)) * 2 + 2;
  taps->first.resize(size);
  taps->count.resize(size);
  taps->weights.resize(size * static_cast<size_t>(taps->stride));
  exact_.resize(static_cast<size_t>(taps->stride));
  for (size_t x = 0; x < size; ++x) {
    const int output = begin + (flip ? outputs - 1 - static_cast<int>(x) : static_cast<int>(x));
    const double centre = reach.Centre(output);
    const int first = reach.First(output);
    const int count = reach.End(output) - first;
    taps->first[x] = in_begin + first;
    taps->count[x] = count;
    const double sum = reach.shape.weigh(first, count, centre, inverse, exact_.data());
    int32_t* rounded = &taps->weights[x * static_cast<size_t>(taps->stride)];
    for (int k = 0; k < count; ++k) {
      const double exact = exact_[static_cast<size_t>(k)];
      const double weight = (sum != 0 ? exact / sum : exact) * (1 << kWeightBits);
      rounded[k] = static_cast<int32_t>(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    rounded[count] = 0;
  }
}

void Resizer::Horizontal(const Image& in, int first_row, int rows) {
  between_.Reset(static_cast<int>(across_.first.size()), rows, in.channels);
  const uint8_t* from = in.row(first_row);
  const auto readable = static_cast<size_t>(in.pixels.data() + in.pixels.size() - from);
  kernels_.resize_rows(from, in.row_bytes(), static_cast<size_t>(rows), readable, across_, in.channels, between_.row(0));
}

void Resizer::Vertical(int first_row, Image* out) {
  for (int y = 0; y < out->height; ++y) {
    const auto output = static_cast<size_t>(y);
    kernels_.resize_column(between_.row(down_.first[output] - first_row), down_.of(output), down_.count[output], out->row_bytes(),
                           out->row(y));
  }
}

void Resizer::Resize(const Image& in, const Rectangle& crop, int width, int height, const Rectangle& window, Filter filter, Image* out,
                     bool flip) {
  Prepare(crop.left, crop.width, width, window.left, window.width, flip, filter, &across_);
  Prepare(crop.top, crop.height, height, window.top, window.height, false, filter, &down_);
  out->Reset(window.width, window.height, in.channels);
  const int first_row = down_.first.front();
  Horizontal(in, first_row, down_.first.back() + down_.count.back() - first_row);
  Vertical(first_row, out);
}

}  // namespace deit::pixels
