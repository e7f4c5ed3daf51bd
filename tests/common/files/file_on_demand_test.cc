#include "common/files/file_on_demand.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::files {
namespace {

using ::testing::HasSubstr;

constexpr size_t kFiles = 3 * kMostOpenOnDemand;

class FileOnDemandTest : public ::testing::Test {
 protected:
  std::string PathOf(size_t i) const { return folder_ / std::to_string(i); }

  void OpenAll() {
    for (size_t i = 0; i < kFiles; ++i) {
      testing::WriteFile(PathOf(i), "content " + std::to_string(1000 + i));
      auto file = OpenOnDemand(FileSystem::Posix(), PathOf(i));
      ASSERT_TRUE(file.ok()) << file.status();
      files_.push_back(*std::move(file));
    }
  }
  std::string Read(size_t i) const {
    std::string text(4, ' ');
    const Status status = files_[i]->ReadAt(8, text.data(), text.size());
    return status.ok() ? text : std::string(status.message());
  }
  static size_t Descriptors() {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
  }

  testing::TempFolder folder_;
  std::vector<std::unique_ptr<RandomAccessFile>> files_;
};

TEST_F(FileOnDemandTest, AnyNumberIsReadWithFewDescriptors) {
  const size_t before = Descriptors();
  OpenAll();
  for (int pass = 0; pass < 2; ++pass) {
    for (size_t i = 0; i < kFiles; ++i) ASSERT_EQ(Read(i), std::to_string(1000 + i));
    EXPECT_EQ(Descriptors(), before + kMostOpenOnDemand);
  }
  files_.clear();
  EXPECT_EQ(Descriptors(), before);
}

TEST_F(FileOnDemandTest, AFileInUseStaysOpen) {
  OpenAll();
  std::filesystem::remove(PathOf(kFiles - 1));
  EXPECT_EQ(Read(kFiles - 1), std::to_string(1000 + kFiles - 1));
}

TEST_F(FileOnDemandTest, AFileThatIsGoneOrChangedIsAnError) {
  OpenAll();
  std::filesystem::remove(PathOf(0));
  EXPECT_THAT(Read(0), HasSubstr("cannot open: no such file"));
  testing::WriteFile(PathOf(1), "content 1");
  EXPECT_THAT(Read(1), HasSubstr("/1: 9 bytes: it had 12 when it was first read"));
  std::filesystem::last_write_time(PathOf(2), std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_THAT(Read(2), HasSubstr("/2: modified since it was first read"));
  EXPECT_EQ(OpenOnDemand(FileSystem::Posix(), PathOf(kFiles)).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(FileOnDemandTest, ThreadsReadAtOnce) {
  OpenAll();
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (size_t i = 0; i < kFiles; ++i) {
        const size_t file = (i * (2 * t + 1)) % kFiles;
        ASSERT_EQ(Read(file), std::to_string(1000 + file));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace deit::files
