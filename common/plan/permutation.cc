#include "common/plan/permutation.h"

#include <bit>

#include "common/base/status.h"

namespace deit::plan {
namespace {

// Eight rounds show no structure from 1,024 images on (tests/common/plan/permutation_test.cc); on tiny domains each round mixes less.
constexpr uint64_t kTinyDomain = 1024;
constexpr int kRounds = 8, kTinyRounds = 24;

// 32 well-mixed bits of a half and a round's key: what makes a round cheap is that both multiplications are plain ones.
inline uint64_t RoundFunction(uint64_t half, uint64_t round_key) {
  uint64_t mixed = (half ^ round_key) * 0x9E3779B97F4A7C15;
  mixed ^= mixed >> 32;
  mixed *= 0xD6E8FEB86659FD93;
  return mixed >> 32;
}

}  // namespace

void ImagePermutation::Shape() {
  DEIT_CHECK(images_ >= 1 && images_ <= kMaxImages, "images=", images_);
  rounds_ = images_ < kTinyDomain ? kTinyRounds : kRounds;
  right_bits_ = static_cast<int>(std::bit_width(images_)) / 2;
  left_size_ = (images_ + (uint64_t{1} << right_bits_) - 1) >> right_bits_;
}

uint64_t ImagePermutation::Permute(uint64_t value) const {
  const uint64_t right_mask = (uint64_t{1} << right_bits_) - 1;
  uint64_t left = value >> right_bits_;
  uint64_t right = value & right_mask;
  uint64_t round_key = key_;
  for (int round = 0; round < rounds_; round += 2) {
    left += RoundFunction(right, round_key) * left_size_ >> 32;  // scaled to [0, left_size_)
    if (left >= left_size_) left -= left_size_;
    round_key += key_step_;
    right = (right + RoundFunction(left, round_key)) & right_mask;
    round_key += key_step_;
  }
  return left << right_bits_ | right;
}

// Permute's rounds, undone from the last one.
uint64_t ImagePermutation::Unpermute(uint64_t value) const {
  const uint64_t right_mask = (uint64_t{1} << right_bits_) - 1;
  uint64_t left = value >> right_bits_;
  uint64_t right = value & right_mask;
  uint64_t round_key = key_ + static_cast<uint64_t>(rounds_) * key_step_;
  for (int round = 0; round < rounds_; round += 2) {
    round_key -= key_step_;
    right = (right - RoundFunction(left, round_key)) & right_mask;
    round_key -= key_step_;
    left += left_size_ - (RoundFunction(right, round_key) * left_size_ >> 32);
    if (left >= left_size_) left -= left_size_;
  }
  return left << right_bits_ | right;
}

uint64_t ImagePermutation::Image(uint64_t rank) const {
  uint64_t value = Permute(rank);
  while (value >= images_) value = Permute(value);
  return value;
}

uint64_t ImagePermutation::Rank(uint64_t image) const {
  uint64_t value = Unpermute(image);
  while (value >= images_) value = Unpermute(value);
  return value;
}

}  // namespace deit::plan
