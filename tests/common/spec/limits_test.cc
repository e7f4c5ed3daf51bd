#include "common/spec/limits.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "google/protobuf/descriptor.h"

namespace deit::spec {
namespace {

TEST(LimitsTest, AreInOrderOfTheirLength) {
  v1::JobSpec job;
  const auto ordered = [](const std::vector<Limit>& limits) {
    return std::is_sorted(limits.begin(), limits.end(), [](const Limit& a, const Limit& b) { return a.length < b.length; });
  };
  EXPECT_TRUE(ordered(LimitsOf(job)));
  EXPECT_EQ(LimitsOf(job)[0].name, "fault.silence_timeout");
  job.mutable_fault()->set_stop_grace(5000);
  EXPECT_TRUE(ordered(LimitsOf(job)));
  EXPECT_EQ(LimitsOf(job).back().name, "fault.stop_grace + fault.stall_timeout + 10");
}

TEST(LimitsTest, NameEveryFieldInSeconds) {
  const auto* fault = v1::FaultSpec::descriptor();
  for (int f = 0; f < fault->field_count(); ++f) {
    if (fault->field(f)->type() != google::protobuf::FieldDescriptor::TYPE_DOUBLE) continue;
    const std::string name = "fault." + std::string(fault->field(f)->name());
    const auto limits = LimitsOf(v1::JobSpec());
    EXPECT_TRUE(std::any_of(limits.begin(), limits.end(), [&](const Limit& limit) { return limit.name == name; })) << name;
  }
}

// Workers notice first, and say whom they waited for.
TEST(LimitsTest, TheOwnerGivesTheWorkersTimeToSayIt) {
  v1::FaultSpec fault;
  EXPECT_GT(OwnersStallLimit(fault), absl::Seconds(fault.stall_timeout()));
  EXPECT_GT(StopLimit(fault), absl::Seconds(fault.stop_grace()));
}

}  // namespace
}  // namespace deit::spec
