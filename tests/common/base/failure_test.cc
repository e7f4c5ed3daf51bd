#include "common/base/failure.h"

#include <gtest/gtest.h>

#include "common/base/log.h"
#include "tests/support/child_process.h"

namespace deit {
namespace {

std::string Printed(const Status& status) {
  return testing::RunChild([&] {
           SetLogName("program");
           LogFailure(status);
         })
      .err;
}

TEST(FailureTest, PrintsMessageAndHint) {
  const Status status = absl::NotFoundError("data.root: /x: no such directory");
  EXPECT_EQ(Printed(status), "program: error: data.root: /x: no such directory\n");
  EXPECT_EQ(Printed(WithHint(status, "set data.root")), "program: error: data.root: /x: no such directory\nhint: set data.root\n");
}

TEST(FailureTest, AMessageWithItsOwnPlacesStandsAsItIs) {
  const Status status = MarkPreformatted(absl::InvalidArgumentError("a.textproto:1:2: error: x\na.textproto:3:4: error: y"));
  EXPECT_EQ(Printed(status), "a.textproto:1:2: error: x\na.textproto:3:4: error: y\n");
}

}  // namespace
}  // namespace deit
