// Numbers that follow from a name and an index alone, by integer arithmetic, so that tests/parity/keyed_values.py draws the very same:
// weights and images of a comparison need not be stored.
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace deit {

// FNV-1a.
inline uint64_t KeyOf(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

// The i-th word of SplitMix64 (Steele et al. 2014) begun at `key`.
inline uint64_t KeyedWord(uint64_t key, uint64_t i) {
  uint64_t z = key + (i + 1) * 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

// In [-1, 1).
inline double KeyedValue(uint64_t key, uint64_t i) { return static_cast<double>(KeyedWord(key, i) >> 11) * 0x1p-52 - 1; }

// The value of a model's parameter: matrices and kernels keep a signal's size through ReLU; scales of batch norms (named "bn" in residual
// branches) are small, as in trained networks, so that deep ones do not amplify rounding; nothing starts at 0 or 1.
inline std::vector<float> KeyedTensor(std::string_view name, const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  double offset = 0, scale = 0.1;
  if (shape.size() > 1) {
    scale = std::sqrt(6.0 / (static_cast<double>(count) / static_cast<double>(shape[0])));
  } else if (name.ends_with(".weight")) {
    const bool batch_norm = name.find("bn") != std::string_view::npos;
    offset = batch_norm ? 0.25 : 1, scale = batch_norm ? 0.1 : 0.2;
  }
  const uint64_t key = KeyOf(name);
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(offset + scale * KeyedValue(key, i));
  return values;
}

// A tensor in few numbers: its norm, and its products with four vectors of keyed signs. For two tensors of one name the mean square of
// the products' differences is the expected square of the norm of their difference.
struct Sketch {
  static constexpr int kProducts = 4;
  double norm = 0;
  double products[kProducts] = {};
};

template <typename Number>
Sketch SketchOf(std::string_view name, const Number* values, size_t count) {
  const uint64_t key = ~KeyOf(name);
  Sketch sketch;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t word = KeyedWord(key, i);
    const double value = static_cast<double>(values[i]);
    sketch.norm += value * value;
    for (int k = 0; k < Sketch::kProducts; ++k) sketch.products[k] += (word >> k & 1) != 0 ? value : -value;
  }
  sketch.norm = std::sqrt(sketch.norm);
  return sketch;
}

}  // namespace deit
