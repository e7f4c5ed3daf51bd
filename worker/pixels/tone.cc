#include "worker/pixels/tone.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace deit::pixels {
namespace {

using Table = std::array<uint8_t, 256>;
using Histogram = std::array<uint32_t, 256>;

uint8_t Clip(int value) { return static_cast<uint8_t>(std::clamp(value, 0, 255)); }

// entry(v) for each sample value v.
template <typename Entry>
Table TableOf(Entry entry) {
  Table table;
  for (int v = 0; v < 256; ++v) table[static_cast<size_t>(v)] = Clip(entry(v));
  return table;
}

void Apply(const Table& table, Image* image) {
  for (uint8_t& sample : image->pixels) sample = table[sample];
}

// table_of(histogram) of each channel, applied to it.
template <typename TableOfHistogram>
void ApplyByHistogram(TableOfHistogram table_of, Image* image) {
  const auto channels = static_cast<size_t>(image->channels);
  std::array<Histogram, 3> histograms{};
  for (size_t i = 0; i < image->pixels.size(); i += channels) {
    for (size_t c = 0; c < channels; ++c) ++histograms[c][image->pixels[i + c]];
  }
  std::array<Table, 3> tables;
  for (size_t c = 0; c < channels; ++c) tables[c] = table_of(histograms[c]);
  for (size_t i = 0; i < image->pixels.size(); i += channels) {
    for (size_t c = 0; c < channels; ++c) image->pixels[i + c] = tables[c][image->pixels[i + c]];
  }
}

Table Identity() {
  return TableOf([](int v) { return v; });
}

Table StretchTable(const Histogram& histogram) {
  int low = 0, high = 255;
  while (low < 255 && histogram[static_cast<size_t>(low)] == 0) ++low;
  while (high > 0 && histogram[static_cast<size_t>(high)] == 0) --high;
  if (high <= low) return Identity();
  const double scale = 255.0 / (high - low);
  const double offset = -low * scale;
  return TableOf([&](int v) { return static_cast<int>(v * scale + offset); });
}

Table FlattenTable(const Histogram& histogram) {
  uint32_t total = 0, last = 0, used = 0;
  for (const uint32_t count : histogram) {
    total += count;
    if (count > 0) last = count, ++used;
  }
  const uint32_t step = (total - last) / 255;
  if (used <= 1 || step == 0) return Identity();
  uint32_t below = step / 2;
  return TableOf([&](int v) {
    const uint32_t entry = below / step;
    below += histogram[static_cast<size_t>(v)];
    return static_cast<int>(std::min(entry, 255u));
  });
}

// Pillow's blend with a picture of one value.
Table AwayFrom(int degenerate, double factor) {
  const auto f = static_cast<float>(factor);
  return TableOf([&](int v) {
    const float value = static_cast<float>(degenerate) + f * static_cast<float>(v - degenerate);
    return static_cast<int>(std::clamp(value, 0.0f, 255.0f));
  });
}

int MeanLuminance(const Image& image) {
  uint64_t sum = 0;
  const auto channels = static_cast<size_t>(image.channels);
  for (size_t i = 0; i < image.pixels.size(); i += channels) sum += channels == 1 ? image.pixels[i] : Luminance(&image.pixels[i]);
  return static_cast<int>(static_cast<double>(sum) / static_cast<double>(image.pixels.size() / channels) + 0.5);
}

}  // namespace

void Invert(Image* image) {
  Apply(TableOf([](int v) { return 255 - v; }), image);
}

void Posterize(int bits, Image* image) {
  const int mask = ~((1 << (8 - bits)) - 1);
  Apply(TableOf([mask](int v) { return v & mask; }), image);
}

void Solarize(int threshold, Image* image) {
  Apply(TableOf([threshold](int v) { return v < threshold ? v : 255 - v; }), image);
}

void SolarizeAdd(int add, Image* image) {
  Apply(TableOf([add](int v) { return v < 128 ? v + add : v; }), image);
}

void AutoContrast(Image* image) { ApplyByHistogram(StretchTable, image); }

void Equalize(Image* image) { ApplyByHistogram(FlattenTable, image); }

void Brightness(double factor, Image* image) { Apply(AwayFrom(0, factor), image); }

void Contrast(double factor, Image* image) { Apply(AwayFrom(MeanLuminance(*image), factor), image); }

}  // namespace deit::pixels
