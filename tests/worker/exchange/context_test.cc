#include "worker/exchange/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace deit::exchange {
namespace {

using ::testing::HasSubstr;

// 66 workers of 128 lanes on two hosts: worker w on the host of that number.
ExchangePlan PlanOf(int (*host_of)(int worker)) {
  std::vector<std::string> hosts;
  for (int worker = 0; worker < 66; ++worker) hosts.push_back(absl::StrCat(host_of(worker)));
  return {plan::Grid({{"weight", {1000}}}, 1000), 128, LaneOrder::kTree, MakeTopology(hosts, std::vector<bool>(66, true))};
}

TEST(CheckTagsTest, AcceptsWorkersNumberedByHost) {
  EXPECT_TRUE(CheckTags(PlanOf([](int worker) { return worker / 33; })).ok());
}

TEST(CheckTagsTest, RefusesAHostWhoseLanesAreScattered) {
  const Status status = CheckTags(PlanOf([](int worker) { return worker % 2; }));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("33 sums of one host, at most 32"));
}

}  // namespace
}  // namespace deit::exchange
