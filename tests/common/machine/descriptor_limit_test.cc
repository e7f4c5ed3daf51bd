#include "common/machine/descriptor_limit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>

namespace deit::machine {
namespace {

TEST(DescriptorLimitTest, TheSoftLimitBecomesTheHardOne) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{64, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  const rlim_t wanted = std::min<rlim_t>(before.rlim_max, kMostDescriptors);
  EXPECT_EQ(RaiseDescriptorLimit(), wanted);
  rlimit after{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, wanted);
}

}  // namespace
}  // namespace deit::machine
