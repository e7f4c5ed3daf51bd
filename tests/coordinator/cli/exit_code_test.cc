#include "coordinator/cli/exit_code.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace deit::cli {
namespace {

TEST(ExitCodeTest, TheTableHasEachCodeOnceInAscendingOrder) {
  std::string codes;
  for (const VerbExitMeaning& exit : AllVerbExits()) absl::StrAppend(&codes, static_cast<int>(exit.code), " ");
  EXPECT_EQ(codes, "0 1 2 3 4 5 6 7 74 75 130 ");
}

TEST(ExitCodeTest, AFailureExitsByItsKindUnlessItSaysMore) {
  EXPECT_EQ(VerbExitOf(absl::OkStatus()), VerbExit::kDone);
  EXPECT_EQ(VerbExitOf(absl::InternalError("")), VerbExit::kFailed);
  EXPECT_EQ(VerbExitOf(absl::DataLossError("")), VerbExit::kFailed);
  EXPECT_EQ(VerbExitOf(UsageError("")), VerbExit::kUsage);
  EXPECT_EQ(VerbExitOf(absl::NotFoundError("")), VerbExit::kNotFound);
  EXPECT_EQ(VerbExitOf(absl::PermissionDeniedError("")), VerbExit::kFailed) << "cannot write is not missing";
  EXPECT_EQ(VerbExitOf(absl::ResourceExhaustedError("")), VerbExit::kFailed);
  EXPECT_EQ(VerbExitOf(absl::UnavailableError("")), VerbExit::kFailed) << "4 is for verbs that ask a coordinator";
  EXPECT_EQ(VerbExitOf(absl::DeadlineExceededError("")), VerbExit::kTimedOut);
  EXPECT_EQ(VerbExitOf(absl::FailedPreconditionError("")), VerbExit::kConflict);
  EXPECT_EQ(VerbExitOf(absl::InvalidArgumentError("")), VerbExit::kBadConfig);
  EXPECT_EQ(VerbExitOf(absl::CancelledError("")), VerbExit::kInterrupted);
  EXPECT_EQ(VerbExitOf(Annotate(WithVerbExit(absl::NotFoundError(""), VerbExit::kFailed), "more")), VerbExit::kFailed);
  EXPECT_TRUE(WithVerbExit(absl::OkStatus(), VerbExit::kFailed).ok());
}

}  // namespace
}  // namespace deit::cli
