#include "common/base/nearest.h"

#include <gtest/gtest.h>

namespace deit {
namespace {

const std::vector<std::string> kNames = {"epochs", "batch_size", "lanes", "HARD"};

TEST(NearestTest, FindsTheNameThatWasMeant) {
  EXPECT_EQ(Nearest("epoch", kNames), "epochs");
  EXPECT_EQ(Nearest("lnaes", kNames), "lanes");
  EXPECT_EQ(Nearest("batchsize", kNames), "batch_size");
  EXPECT_EQ(Nearest("hard", kNames), "HARD");
  EXPECT_EQ(Nearest("lanes", kNames), "lanes");
}

TEST(NearestTest, DoesNotGuessWhenNothingIsNear) {
  EXPECT_EQ(Nearest("momentum", kNames), "");
  EXPECT_EQ(Nearest("", kNames), "");
  EXPECT_EQ(Nearest(std::string(1000000, 'x'), kNames), "");
  EXPECT_EQ(Nearest("lanes", {}), "");
}

TEST(NearestTest, ReadsAsTheEndOfAMessage) {
  EXPECT_EQ(DidYouMean("lane", kNames), ", did you mean \"lanes\"");
  EXPECT_EQ(DidYouMean("zzz", kNames), "");
}

}  // namespace
}  // namespace deit
