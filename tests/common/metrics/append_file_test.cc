#include "common/metrics/append_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/support/child_process.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::metrics {
namespace {

TEST(AppendFileTest, AddsToWhatIsThere) {
  testing::TempFolder folder;
  for (const char* piece : {"one\n", "two\n"}) {
    auto file = AppendFile::Open(folder / "f");
    ASSERT_TRUE(file.ok());
    EXPECT_TRUE(file->Append(piece).ok());
    EXPECT_TRUE(file->Sync().ok());
  }
  EXPECT_EQ(testing::ReadFile(folder / "f"), "one\ntwo\n");
}

TEST(AppendFileTest, SaysWhatCannotBeOpened) {
  const auto file = AppendFile::Open("/proc/nowhere/f");
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.status().message().find("/proc/nowhere/f: cannot be opened for appending"), std::string::npos);
}

// A file size limit acts like a full disk: it also takes a part of a write.
TEST(AppendFileTest, WhatAFullDiskRefusesIsWrittenLater) {
  testing::TempFolder folder;
  const auto child = testing::RunChild([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit {};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    auto file = AppendFile::Open(folder / "f");
    limit.rlim_cur = 6;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    if (!file->Append("one\n").ok()) ::_exit(1);
    if (file->Append("two\n").ok()) ::_exit(2);
    if (file->Append("three\n").ok()) ::_exit(3);
    if (file->Sync().ok()) ::_exit(4);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    if (!file->Append("four\n").ok()) ::_exit(5);
  });
  EXPECT_TRUE(child.ExitedWith(0)) << child.status;
  EXPECT_EQ(testing::ReadFile(folder / "f"), "one\ntwo\nthree\nfour\n");
}

}  // namespace
}  // namespace deit::metrics
