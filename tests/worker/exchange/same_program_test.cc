#include "worker/exchange/same_program.h"

#include <gtest/gtest.h>

#include "common/base/exit_code.h"
#include "tests/support/rank_harness.h"

namespace deit::exchange {
namespace {

const collective::Deadline kLongTimeout{absl::Seconds(30)};

TEST(SameProgramTest, EqualBuildsAreFine) {
  testing::RunOnThreads(3, [](collective::Communicator& member) {
    for (const char* id : {"abcd", ""}) EXPECT_TRUE(ProveSameProgram(member, kLongTimeout, id).ok());
  });
}

TEST(SameProgramTest, AnotherBuildEndsAllWorkersAlike) {
  testing::RunOnThreads(4, [](collective::Communicator& member) {
    const Status status = ProveSameProgram(member, kLongTimeout, member.rank() < 2 ? "abcd" : "beef");
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kBadConfig);
    EXPECT_EQ(status.message(), member.rank() == 2 ? "deit-worker: build beef: worker 0 runs another"
                                                   : "worker 2: deit-worker: build beef: worker 0 runs another");
    EXPECT_EQ(HintOf(status), "install the same deit-worker on all hosts");
  });
}

}  // namespace
}  // namespace deit::exchange
