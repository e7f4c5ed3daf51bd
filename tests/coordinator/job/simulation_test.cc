// usage: simulation_test [--seeds=N] [--first_seed=K]: 300 seeds from 0 on without flags.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "tests/coordinator/job/simulation.h"

namespace deit::job {
namespace {

uint64_t seeds = 300, first_seed = 0;

TEST(JobMachineSimulationTest, KeepsTheLawsWhateverFails) {
  std::map<std::string, int> ends;
  int restarted = 0, taken_over = 0;
  for (uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
    const SimulationResult result = Simulate(seed);
    ASSERT_EQ(result.violation, "") << "seed " << seed;
    ++ends[result.end];
    restarted += result.launches > 1;
    taken_over += result.coordinator_restarts > 0;
  }
  if (seeds < 100) return;
  for (const char* end : {"SUCCEEDED", "FAILED", "STOPPED", "CANCELED"}) EXPECT_GT(ends[end], 0) << end << ": too tame a world";
  EXPECT_GT(restarted, static_cast<int>(seeds / 4));
  EXPECT_GT(taken_over, static_cast<int>(seeds / 10));
}

}  // namespace
}  // namespace deit::job

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    absl::string_view word = argv[i];
    if (absl::ConsumePrefix(&word, "--seeds=")) {
      if (!absl::SimpleAtoi(word, &deit::job::seeds)) return 2;
    } else if (absl::ConsumePrefix(&word, "--first_seed=")) {
      if (!absl::SimpleAtoi(word, &deit::job::first_seed)) return 2;
    }
  }
  return RUN_ALL_TESTS();
}
