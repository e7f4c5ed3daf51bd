#include "launch/program_output.h"

#include <gtest/gtest.h>

namespace deit::launch {
namespace {

TEST(ProgramOutputTest, ReturnsBothStreamsWhateverTheExitCode) {
  const auto output = ProgramOutput({"sh", "-c", "echo out; echo err >&2; exit 3"}, absl::Seconds(30));
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(*output, "out\nerr\n");
}

TEST(ProgramOutputTest, NamesAProgramThatIsMissing) {
  const auto output = ProgramOutput({"no-such-program"}, absl::Seconds(30));
  EXPECT_EQ(output.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(output.status().message(), "no-such-program: not found in PATH");
}

TEST(ProgramOutputTest, KillsAProgramThatDoesNotEnd) {
  const auto output = ProgramOutput({"sleep", "1000"}, absl::Milliseconds(50));
  EXPECT_EQ(output.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(output.status().message(), "sleep: timed out after 50ms");
}

TEST(ProgramOutputTest, KeepsABoundedPartOfEndlessOutput) {
  const auto output = ProgramOutput({"sh", "-c", "head -c 1000000 /dev/zero"}, absl::Seconds(30));
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_LT(output->size(), 100'000U);
}

}  // namespace
}  // namespace deit::launch
