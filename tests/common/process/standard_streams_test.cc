#include "common/process/standard_streams.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/child_process.h"

namespace deit::process {
namespace {

TEST(StandardStreamsTest, AClosedOneIsNoPlaceForTheNextFile) {
  const auto result = testing::RunChild([] {
    for (int fd = 0; fd <= 2; ++fd) ::close(fd);
    OpenStandardStreams();
    for (int fd = 0; fd <= 2; ++fd) {
      if (::fcntl(fd, F_GETFD) != 0) ::_exit(1);
    }
    if (::open("/dev/null", O_RDONLY) <= 2) ::_exit(2);
    if (::write(STDOUT_FILENO, "x", 1) != 1) ::_exit(3);
  });
  EXPECT_TRUE(result.ExitedWith(0)) << result.status;
}

TEST(StandardStreamsTest, OpenOnesStayWhatTheyAre) {
  const auto result = testing::RunChild([] {
    OpenStandardStreams();
    if (::write(STDOUT_FILENO, "kept", 4) != 4) ::_exit(1);
  });
  EXPECT_EQ(result.out, "kept");
}

}  // namespace
}  // namespace deit::process
