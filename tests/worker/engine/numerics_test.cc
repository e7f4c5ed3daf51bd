#include "worker/engine/numerics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "common/base/exit_code.h"
#include "common/machine/processor.h"
#include "common/process/build_id.h"

namespace deit::engine {
namespace {

using ::testing::HasSubstr;

TEST(NumericsTest, RefusesAThreadLimitBelowWhatIsAskedFor) {
  setenv("OMP_THREAD_LIMIT", "1", 1);
  const Status status = SetThreads(2);
  unsetenv("OMP_THREAD_LIMIT");
  EXPECT_THAT(std::string(status.message()), HasSubstr("OMP_THREAD_LIMIT: 1: below threads_per_worker, 2"));
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kBadConfig);
  EXPECT_TRUE(SetThreads(2).ok());
}

TEST(NumericsTest, WhatChoosesKernelsShowsInTheDescription) {
  v1::JobSpec spec;
  setenv("MKL_CBWR", "AVX2", 1);
  const std::string before = DescribeNumerics(spec);
  setenv("MKL_CBWR", "COMPATIBLE", 1);
  EXPECT_NE(before, DescribeNumerics(spec));
  EXPECT_THAT(DescribeNumerics(spec), HasSubstr("MKL_CBWR=COMPATIBLE"));
  spec.mutable_train()->set_precision(v1::BF16);
  EXPECT_THAT(DescribeNumerics(spec), HasSubstr("BF16"));
  ASSERT_TRUE(SetThreads(2).ok());
  EXPECT_THAT(DescribeNumerics(spec), HasSubstr("2 threads"));
}

TEST(NumericsTest, ProcessorLibraryAndBuildShowInTheDescription) {
  const std::string numerics = DescribeNumerics({});
  EXPECT_THAT(numerics, HasSubstr(", " + machine::Describe(machine::ThisProcessor()) + ", glibc 2."));
  EXPECT_THAT(numerics, HasSubstr(", build " + process::BuildId() + ", "));
  setenv("ONEDNN_DEFAULT_FPMATH_MODE", "BF16", 1);
  EXPECT_NE(numerics, DescribeNumerics({}));
  unsetenv("ONEDNN_DEFAULT_FPMATH_MODE");
}

TEST(NumericsTest, PinningLeavesTheUsersChoiceAlone) {
  setenv("MKL_CBWR", "COMPATIBLE", 1);
  PinMathEnvironment();
  EXPECT_STREQ(std::getenv("MKL_CBWR"), "COMPATIBLE");
  unsetenv("MKL_CBWR");
  PinMathEnvironment();
  EXPECT_NE(std::getenv("MKL_CBWR"), nullptr);
}

}  // namespace
}  // namespace deit::engine
