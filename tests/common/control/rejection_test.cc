#include "common/control/rejection.h"

#include <gtest/gtest.h>

#include <set>

namespace deit::control {
namespace {

// They are counted by their text.
TEST(RejectionTest, EveryCauseHasATextOfItsOwn) {
  std::set<std::string> texts;
  const int last = static_cast<int>(RejectionCause::kNoResources);
  for (int cause = 0; cause <= last; ++cause) texts.insert(ToString(static_cast<RejectionCause>(cause)));
  EXPECT_EQ(texts.size(), static_cast<size_t>(last) + 1);
  EXPECT_EQ(texts.count(""), 0u);
}

TEST(RejectionTest, TheDescriptionHasTheDetail) {
  EXPECT_EQ(Describe({RejectionCause::kWrongToken}), "wrong token");
  EXPECT_EQ(Describe({RejectionCause::kOtherJob, "this is job 0badf00d"}), "another job: this is job 0badf00d");
}

}  // namespace
}  // namespace deit::control
