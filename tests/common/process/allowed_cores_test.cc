#include "common/process/allowed_cores.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include "tests/support/child_process.h"

namespace deit::process {
namespace {

TEST(AllowedCoresTest, CountsTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(AllowedCores(), CPU_COUNT(&before));
  const auto result = testing::RunChild([&] {
    size_t first = 0;
    while (!CPU_ISSET(first, &before)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    if (::sched_setaffinity(0, sizeof(one), &one) != 0) ::_exit(1);
    if (AllowedCores() != 1) ::_exit(2);
  });
  EXPECT_TRUE(result.ExitedWith(0)) << result.status;
}

}  // namespace
}  // namespace deit::process
