#include "common/files/stream_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include <gtest/gtest.h>

#include "common/base/exit_code.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::files {
namespace {

class StreamFileTest : public ::testing::Test {
 protected:
  const testing::TempFolder folder_;
};

TEST_F(StreamFileTest, ReadsAPipeToItsEndThoughItComesInPieces) {
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string piece(3000, 'x');
  std::jthread writer([&] {
    const int fd = ::open(pipe.c_str(), O_WRONLY);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(::write(fd, piece.data(), piece.size()), 3000);
    ::close(fd);
  });
  const auto content = ReadToEnd(pipe, 30000);
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(*content, std::string(30000, 'x'));
}

TEST_F(StreamFileTest, ReadsARegularFileAndRefusesALargeOne) {
  testing::WriteFile(folder_ / "file", "content");
  EXPECT_EQ(*ReadToEnd(folder_ / "file", 7), "content");
  EXPECT_EQ(ReadToEnd(folder_ / "file", 6).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(StreamFileTest, APipeThatNobodyWritesToIsNamedAtTheDeadline) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadToEnd(folder_ / "pipe", 100, absl::Milliseconds(20)).status().message(),
            folder_ / "pipe: timed out after 20ms waiting for its content");
}

TEST_F(StreamFileTest, WhatIsNoFileIsAMissingInput) {
  testing::WriteFile(folder_ / "file", "content");
  ASSERT_EQ(::symlink("loop", (folder_ / "loop").c_str()), 0);
  for (const std::string& path :
       {folder_.path(), folder_ / "none", folder_ / "file/below", folder_ / "loop", folder_ / std::string(300, 'n')}) {
    EXPECT_EQ(ExitCodeOf(ReadToEnd(path, 100).status()), ExitCode::kMissingInput) << path;
  }
}

}  // namespace
}  // namespace deit::files
