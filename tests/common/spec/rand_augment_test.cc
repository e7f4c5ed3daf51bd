#include "common/spec/rand_augment.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::spec {
namespace {

using ::testing::HasSubstr;

RandAugment Parsed(const char* text) {
  const StatusOr<RandAugment> policy = ParseRandAugment(text);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.value_or(RandAugment{});
}

TEST(RandAugmentTest, ReadsDeitsString) {
  const RandAugment policy = Parsed("rand-m9-mstd0.5-inc1");
  EXPECT_EQ(policy.magnitude, 9);
  EXPECT_EQ(policy.magnitude_std, 0.5);
  EXPECT_TRUE(policy.increasing);
  EXPECT_EQ(policy.layers, 2);
  EXPECT_EQ(policy.probability, 0.5);
  EXPECT_EQ(policy.magnitude_max, 10);
  EXPECT_EQ(policy.set, RandAugment::Set::kUsual);
}

TEST(RandAugmentTest, ReadsEverySection) {
  const RandAugment policy = Parsed("rand-p0.25-n3-tweights-m12-mmax20-mstd101-inc0");
  EXPECT_EQ(policy.magnitude, 12);
  EXPECT_TRUE(std::isinf(policy.magnitude_std));
  EXPECT_FALSE(policy.increasing);
  EXPECT_EQ(policy.layers, 3);
  EXPECT_EQ(policy.probability, 0.25);
  EXPECT_EQ(policy.magnitude_max, 20);
  EXPECT_EQ(policy.set, RandAugment::Set::kWeights);
  EXPECT_EQ(Parsed("rand-t3a").set, RandAugment::Set::k3a);
  EXPECT_EQ(Parsed("rand-t3aw").set, RandAugment::Set::k3aWeighted);
  EXPECT_EQ(Parsed("rand-tother").set, RandAugment::Set::kUsual);
  EXPECT_EQ(Parsed("rand").magnitude, 10);
  EXPECT_EQ(Parsed("rand-mmax0").magnitude_max, 10);
  EXPECT_TRUE(Parsed("rand-inc7").increasing);
}

TEST(RandAugmentTest, SaysWhatIsWrong) {
  const auto message = [](const char* text) { return std::string(ParseRandAugment(text).status().message()); };
  EXPECT_THAT(message("v0-mstd0.5"), HasSubstr("\"v0-mstd0.5\": want RandAugment, such as rand-m9-mstd0.5-inc1"));
  EXPECT_EQ(message("rand-m9.5"), "\"m9.5\": want a whole number from 0 to 100");
  EXPECT_EQ(message("rand-m101"), "\"m101\": want a whole number from 0 to 100");
  EXPECT_EQ(message("rand-n15"), "\"n15\": want a whole number from 0 to 14");
  EXPECT_EQ(message("rand-p2"), "\"p2\": want a number from 0 to 1");
  EXPECT_EQ(message("rand-inc"), "\"inc\": want a whole number from 0 to 2147483647");
  EXPECT_EQ(message("rand-m9-m8"), "\"m8\": \"m\" is there twice");
  EXPECT_THAT(message("rand-x1"), HasSubstr("\"x1\": unknown: want m, n, p, inc, mstd or mmax with a number"));
  EXPECT_THAT(message("rand-"), HasSubstr("\"\": unknown"));
  EXPECT_THAT(message(""), HasSubstr("\"\": want RandAugment"));
}

}  // namespace
}  // namespace deit::spec
