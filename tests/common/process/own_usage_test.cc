#include "common/process/own_usage.h"

#include <sys/mman.h>

#include <cstring>

#include <gtest/gtest.h>

namespace deit::process {
namespace {

TEST(OwnUsageTest, TouchedMemoryIsResidentAndHasFaulted) {
  constexpr size_t kBytes = size_t{32} << 20;
  constexpr auto kAlmost = static_cast<int64_t>(kBytes - kBytes / 8);  // other pages may go meanwhile
  const int64_t faults = PageFaults(), resident = ResidentBytes();
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, kBytes);
  EXPECT_GT(PageFaults(), faults);
  EXPECT_GE(ResidentBytes() - resident, kAlmost);
  EXPECT_GE(PeakResidentBytes(), resident + kAlmost);
  const int64_t peak = PeakResidentBytes();
  munmap(memory, kBytes);
  EXPECT_LE(ResidentBytes(), peak - kAlmost);
  EXPECT_GE(PeakResidentBytes(), peak);
}

}  // namespace
}  // namespace deit::process
