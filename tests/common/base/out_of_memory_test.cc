#include "common/base/out_of_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "tests/support/child_process.h"

namespace deit {
namespace {

TEST(OutOfMemoryTest, IsAMistakeOfTheJobWithAHint) {
  const Status status = OutOfMemory("pixel buffer of 7 bytes");
  EXPECT_EQ(status.message(), "pixel buffer of 7 bytes: not enough memory");
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kBadConfig);
  EXPECT_THAT(HintOf(status), ::testing::HasSubstr("train.batch_size"));
}

TEST(OutOfMemoryTest, AFailedNewEndsTheProcessWithAMessage) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizers' own allocators report it";
#endif
  const auto child = testing::RunChild([] {
    SetLogName("program");
    InstallOutOfMemoryHandler();
    std::vector<char> huge(size_t{1} << 60);
    ::_exit(static_cast<int>(huge[12345]));
  });
  EXPECT_TRUE(child.ExitedWith(64)) << child.status;
  EXPECT_EQ(child.err.substr(0, child.err.find("hint: ")), "program: error: new: not enough memory\n");
}

}  // namespace
}  // namespace deit
