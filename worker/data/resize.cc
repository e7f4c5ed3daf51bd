#include "worker/data/resize.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace deit::data {
namespace {

constexpr int kWeightBits = 22;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

double Support(Filter filter) { return filter == Filter::kBicubic ? 2.0 : 1.0; }

double Weight(Filter filter, double x) {
  x = std::abs(x);
  if (filter == Filter::kBilinear) return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double a = -0.5;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

uint8_t Clip(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

// One row; CHANNELS is fixed at compile time, so that the sums of a pixel stay in registers.
template <size_t CHANNELS>
void Row(const uint8_t* in, const std::vector<int>& first, const std::vector<int>& count, const int32_t* weights, int stride,
         uint8_t* out) {
  for (size_t x = 0; x < first.size(); ++x, weights += stride, out += CHANNELS) {
    std::array<int32_t, CHANNELS> sums;
    sums.fill(kHalf);
    const uint8_t* pixel = in + static_cast<size_t>(first[x]) * CHANNELS;
    for (int k = 0; k < count[x]; ++k, pixel += CHANNELS) {
      for (size_t c = 0; c < CHANNELS; ++c) sums[c] += pixel[c] * weights[k];
    }
    for (size_t c = 0; c < CHANNELS; ++c) out[c] = Clip(sums[c]);
  }
}

}  // namespace

void Resizer::Taps::Prepare(int in_size, int out_size, int begin, int outputs, Filter filter) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double filter_scale = std::max(scale, 1.0);
  const double support = Support(filter) * filter_scale;
  const double inverse = 1.0 / filter_scale;
  stride = static_cast<int>(std::ceil(support)) * 2 + 1;
  const auto size = static_cast<size_t>(outputs);
  first.resize(size);
  count.resize(size);
  weights.resize(size * static_cast<size_t>(stride));
  exact.resize(static_cast<size_t>(stride));
  for (size_t x = 0; x < size; ++x) {
    const double centre = (begin + static_cast<double>(x) + 0.5) * scale;
    first[x] = std::max(static_cast<int>(centre - support + 0.5), 0);
    count[x] = std::min(static_cast<int>(centre + support + 0.5), in_size) - first[x];
    const auto taps = static_cast<size_t>(count[x]);
    double sum = 0;
    for (size_t k = 0; k < taps; ++k) {
      exact[k] = Weight(filter, (static_cast<double>(k) + first[x] - centre + 0.5) * inverse);
      sum += exact[k];
    }
    int32_t* rounded = &weights[x * static_cast<size_t>(stride)];
    for (size_t k = 0; k < taps; ++k) {
      const double weight = (sum != 0 ? exact[k] / sum : exact[k]) * (1 << kWeightBits);
      rounded[k] = static_cast<int32_t>(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
  }
}

void Resizer::Horizontal(const Image& in, const Rectangle& crop, int first_row, int rows) {
  between_.Reset(static_cast<int>(across_.first.size()), rows, in.channels);
  const auto row = in.channels == 1 ? Row<1> : Row<3>;
  for (int y = 0; y < rows; ++y) {
    const uint8_t* from = in.row(crop.top + first_row + y) + crop.left * in.channels;
    row(from, across_.first, across_.count, across_.weights.data(), across_.stride, between_.row(y));
  }
}

void Resizer::Vertical(int first_row, Image* out) {
  const size_t samples = static_cast<size_t>(out->width) * static_cast<size_t>(out->channels);
  sums_.resize(samples);
  int32_t* const sums = sums_.data();
  for (int y = 0; y < out->height; ++y) {
    const auto output = static_cast<size_t>(y);
    std::fill_n(sums, samples, kHalf);
    for (int k = 0; k < down_.count[output]; ++k) {
      const int32_t weight = down_.weights[output * static_cast<size_t>(down_.stride) + static_cast<size_t>(k)];
      const uint8_t* from = between_.row(down_.first[output] - first_row + k);
      for (size_t i = 0; i < samples; ++i) sums[i] += from[i] * weight;
    }
    uint8_t* to = out->row(y);
    for (size_t i = 0; i < samples; ++i) to[i] = Clip(sums[i]);
  }
}

void Resizer::Resize(const Image& in, const Rectangle& crop, int width, int height, const Rectangle& window, Filter filter, Image* out) {
  across_.Prepare(crop.width, width, window.left, window.width, filter);
  down_.Prepare(crop.height, height, window.top, window.height, filter);
  out->Reset(window.width, window.height, in.channels);
  const int first_row = down_.first.front();
  Horizontal(in, crop, first_row, down_.first.back() + down_.count.back() - first_row);
  Vertical(first_row, out);
}

}  // namespace deit::data
