#include "worker/collective/element_type.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

namespace deit::collective {
namespace {

uint16_t Sum(uint16_t left, uint16_t right) {
  AddInto(ElementType::kBFloat16, &left, &right, 1);
  return left;
}

TEST(ElementTypeTest, KnowsItsSizes) {
  EXPECT_EQ(SizeOf(ElementType::kUint8), 1U);
  EXPECT_EQ(SizeOf(ElementType::kBFloat16), 2U);
  EXPECT_EQ(SizeOf(ElementType::kFloat32), 4U);
  EXPECT_EQ(SizeOf(ElementType::kUint64), 8U);
}

// bfloat16 has 8 significant bits: 0x3F80 is 1, 0x3F81 is 1 + 2^-7, 0x3B80 is 2^-8.
TEST(ElementTypeTest, RoundsBFloat16SumsToNearestEven) {
  EXPECT_EQ(Sum(0x3F80, 0x3F80), 0x4000);  // 1 + 1
  EXPECT_EQ(Sum(0x3F80, 0x3B80), 0x3F80);  // a tie goes down to even
  EXPECT_EQ(Sum(0x3F81, 0x3B80), 0x3F82);  // a tie goes up to even
  EXPECT_EQ(Sum(0x3F80, 0x3B81), 0x3F81);  // just above a tie
  EXPECT_EQ(Sum(0x7F7F, 0x7F7F), 0x7F80);  // overflow is infinity
}

TEST(ElementTypeTest, KeepsInfinityAndNaN) {
  EXPECT_EQ(Sum(0x7F80, 0x3F80), 0x7F80);
  const uint16_t nan = Sum(0x7F80, 0xFF80);
  EXPECT_NE(std::bit_cast<float>(static_cast<uint32_t>(nan) << 16), std::bit_cast<float>(static_cast<uint32_t>(nan) << 16));
  EXPECT_NE(Sum(0x7F81, 0x0000) & 0x7F, 0) << "a signalling NaN may not become infinity";
}

TEST(ElementTypeTest, IntegersWrap) {
  std::vector<uint8_t> bytes = {250, 1};
  const std::vector<uint8_t> more = {10, 2};
  AddInto(ElementType::kUint8, bytes.data(), more.data(), bytes.size());
  EXPECT_EQ(bytes, (std::vector<uint8_t>{4, 3}));
  uint64_t word = std::numeric_limits<uint64_t>::max();
  const uint64_t two = 2;
  AddInto(ElementType::kUint64, &word, &two, 1);
  EXPECT_EQ(word, 1U);
}

}  // namespace
}  // namespace deit::collective
