// Keyed permutations of images: bijections on [0, images), O(1) in memory and time per rank.
#pragma once

#include <cstdint>

#include "common/plan/philox.h"

namespace deit::plan {

// A Feistel network on [0, a * 2^m), with 2^m about sqrt(images) and the smallest a that covers [0, images); values beyond are walked
// along their cycle (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002). The order's key is one Philox block.
// Pure and thread-safe; cheap enough to make per call.
class ImagePermutation {
 public:
  // Keyed by the first four words of `key`. images in [1, kMaxImages].
  ImagePermutation(RandomStream key, uint64_t images) : images_(images), key_(key.Next64()), key_step_(key.Next64() | 1) { Shape(); }

  // The image at `rank` (0 .. images - 1) of the order. Each rank has its own image.
  uint64_t Image(uint64_t rank) const;
  // The rank of `image` (0 .. images - 1): Rank(Image(rank)) == rank.
  uint64_t Rank(uint64_t image) const;

  static constexpr uint64_t kMaxImages = uint64_t{1} << 40;

 private:
  void Shape();
  uint64_t Permute(uint64_t value) const;
  uint64_t Unpermute(uint64_t value) const;

  uint64_t images_;
  uint64_t key_, key_step_;  // round i is keyed by key_ + i * key_step_
  uint64_t left_size_;       // a
  int right_bits_;           // m
  int rounds_;
};

// In which an epoch shows its images.
inline ImagePermutation EpochPermutation(uint64_t seed, uint64_t epoch, uint64_t images) {
  return {RandomStream(seed, epoch, Purpose::kEpochOrder), images};
}

// Whose first data.labelled images keep their labels.
inline ImagePermutation LabelPermutation(uint64_t seed, uint64_t images) { return {RandomStream(seed, 0, Purpose::kLabelled), images}; }

}  // namespace deit::plan
