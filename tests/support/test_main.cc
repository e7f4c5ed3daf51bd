// main() of the tests. A program of which a case was skipped, and none failed, ends with 77, which ctest shows as "Skipped": a case that did not
// run never counts as passed. Each is named on a line of its own for tests/checks/skipped_tests.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <string>

namespace {

constexpr int kSkipped = 77;  // SKIP_RETURN_CODE of cmake/deit_targets.cmake

std::string ReasonOf(const testing::TestResult& result) {
  for (int i = 0; i < result.total_part_count(); ++i) {
    if (result.GetTestPartResult(i).skipped()) return result.GetTestPartResult(i).message();
  }
  return "";
}

void NameSkippedCases(const testing::UnitTest& tests) {
  for (int i = 0; i < tests.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *tests.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const testing::TestInfo& test = *suite.GetTestInfo(j);
      if (!test.should_run() || !test.result()->Skipped()) continue;
      std::cout << "NOT RUN: " << suite.name() << '.' << test.name() << ": " << ReasonOf(*test.result()) << '\n';
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  const int failed = RUN_ALL_TESTS();
  const testing::UnitTest& tests = *testing::UnitTest::GetInstance();
  if (failed != 0 || tests.skipped_test_count() == 0) return failed;
  NameSkippedCases(tests);
  return kSkipped;
}
