#include "common/process/build_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::process {
namespace {

TEST(BuildIdTest, IsWrittenByTheLinker) { EXPECT_THAT(BuildId(), ::testing::ContainsRegex("^[0-9a-f]{16,}$")); }

}  // namespace
}  // namespace deit::process
