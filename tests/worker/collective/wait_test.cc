#include "worker/collective/wait.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/fake_clock.h"
#include "worker/collective/exit_guard.h"
#include "worker/collective/local_communicator.h"

namespace deit::collective {
namespace {

WaitDescription Nothing() { return {"nothing came", ""}; }

// A clock whose owner is stopped for a while during one of its naps.
class StoppedClock final : public Clock {
 public:
  StoppedClock(absl::Duration stop_at, std::vector<absl::Duration> stops) : stop_at_(stop_at), stops_(std::move(stops)) {}
  absl::Time Now() override { return absl::UnixEpoch() + elapsed_; }
  absl::Duration Elapsed() override { return elapsed_; }
  void Sleep(absl::Duration duration) override {
    elapsed_ += duration;
    if (elapsed_ < stop_at_ || stops_.empty()) return;
    elapsed_ += stops_.back();
    stops_.pop_back();
  }

 private:
  absl::Duration elapsed_, stop_at_;
  std::vector<absl::Duration> stops_;
};

TEST(WaitTest, ReturnsAsSoonAsItIsReadyAndDoesNotNapBefore) {
  testing::FakeClock clock;
  int looks = 0;
  EXPECT_TRUE(WaitUntil([&]() -> StatusOr<bool> { return ++looks == 2000; }, {absl::Seconds(1), &clock}, Nothing).ok());
  EXPECT_EQ(clock.Elapsed(), absl::ZeroDuration());
}

TEST(WaitTest, NapsAndGivesUpAfterTheLimitWithTheCallersWords) {
  testing::FakeClock clock;
  const Status status =
      WaitUntil([]() -> StatusOr<bool> { return false; }, {absl::Seconds(30), &clock},
                [] {
                  return WaitDescription{"worker 1 did not deliver bucket 3 of step 12", "last reported: step 11, phase update"};
                });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(status.message(), "worker 1 did not deliver bucket 3 of step 12 within 30s (last reported: step 11, phase update)");
  EXPECT_GT(clock.Elapsed(), absl::Seconds(30));
  EXPECT_LE(clock.Elapsed(), absl::Seconds(30) + absl::Microseconds(100));
}

TEST(WaitTest, AnErrorEndsTheWaitAtOnce) {
  testing::FakeClock clock;
  const Status lost = absl::UnavailableError("worker 2 has left");
  EXPECT_EQ(WaitUntil([&]() -> StatusOr<bool> { return lost; }, {absl::Seconds(1), &clock}, Nothing), lost);
}

TEST(WaitTest, AWaiterThatWasStoppedItselfGetsThatTimeBack) {
  StoppedClock clock(absl::Seconds(2), {absl::Seconds(100)});
  EXPECT_FALSE(WaitUntil([]() -> StatusOr<bool> { return false; }, {absl::Seconds(3), &clock}, Nothing).ok());
  EXPECT_GT(clock.Elapsed(), absl::Seconds(103));
  EXPECT_LT(clock.Elapsed(), absl::Seconds(103.1));
}

// Work of another worker that goes on until a certain time.
class WorkUntil final : public ProgressSource {
 public:
  WorkUntil(Clock* clock, absl::Duration end) : clock_(clock), end_(end) {}
  uint64_t Progress() const override { return static_cast<uint64_t>(absl::ToInt64Milliseconds(std::min(clock_->Elapsed(), end_))); }

 private:
  Clock* clock_;
  absl::Duration end_;
};

TEST(WaitTest, ProgressOfOthersRenewsTheDeadline) {
  testing::FakeClock clock;
  const WorkUntil work(&clock, absl::Seconds(1000));
  const Status status = WaitUntil([]() -> StatusOr<bool> { return false; }, {absl::Seconds(30), &clock, &work},
                                  [] {
                                    return WaitDescription{"worker 1 did not come", "last reported: step 11, phase compute"};
                                  });
  EXPECT_EQ(status.message(), "worker 1 did not come: no progress for 30s (last reported: step 11, phase compute)");
  EXPECT_TRUE(IsPeerFailure(status));
  EXPECT_GT(clock.Elapsed(), absl::Seconds(1029));
  EXPECT_LT(clock.Elapsed(), absl::Seconds(1031));
}

TEST(WaitTest, WithoutProgressTheLimitIsTheLimit) {
  testing::FakeClock clock;
  const WorkUntil nothing(&clock, absl::ZeroDuration());
  EXPECT_FALSE(WaitUntil([]() -> StatusOr<bool> { return false; }, {absl::Seconds(30), &clock, &nothing}, Nothing).ok());
  EXPECT_LT(clock.Elapsed(), absl::Seconds(30.1));
}

TEST(WaitTest, OnlyFailuresOfWaitsAndMessagesArePeerFailures) {
  EXPECT_TRUE(IsPeerFailure(DeadlineError({absl::Seconds(1)}, Nothing())));
  EXPECT_TRUE(IsPeerFailure(Annotate(DeadlineError({absl::Seconds(1)}, Nothing()), "saving")));
  EXPECT_TRUE(IsPeerFailure(absl::UnavailableError("worker 2 has left")));
  EXPECT_FALSE(IsPeerFailure(absl::DeadlineExceededError("loader: no view for 5m")));
  EXPECT_FALSE(IsPeerFailure(absl::OkStatus()));
}

TEST(WaitTest, OnlyTheLongestStopIsGivenBack) {
  StoppedClock clock(absl::Seconds(1), {absl::Seconds(1), absl::Seconds(2), absl::Seconds(2)});
  EXPECT_FALSE(WaitUntil([]() -> StatusOr<bool> { return false; }, {absl::Seconds(4), &clock}, Nothing).ok());
  EXPECT_GT(clock.Elapsed(), absl::Seconds(6));
  EXPECT_LT(clock.Elapsed(), absl::Seconds(6.1));
}

TEST(WaitTest, WaitsForAllTransfers) {
  auto members = NewLocalGroup(2);
  std::vector<uint64_t> sent = {1, 2, 3}, received(3);
  std::vector<std::unique_ptr<Transfer>> transfers(1);  // the first is null
  const auto word = [](uint64_t& value) { return Buffer{.data = &value, .count = 1, .type = ElementType::kUint64}; };
  for (int i = 0; i < 3; ++i) transfers.push_back(*members[1]->Receive(word(received[static_cast<size_t>(i)]), 0, i));
  for (int i = 0; i < 2; ++i) transfers.push_back(*members[0]->Send(word(sent[static_cast<size_t>(i)]), 1, i));
  testing::FakeClock clock;
  EXPECT_FALSE(WaitAll(transfers, {absl::Seconds(1), &clock}, Nothing).ok());
  transfers.push_back(*members[0]->Send(word(sent[2]), 1, 2));
  EXPECT_TRUE(WaitAll(transfers, {absl::Seconds(1), &clock}, Nothing).ok());
  EXPECT_EQ(received, sent);
}

TEST(ExitGuardDeathTest, EndsAProcessThatIsStuckInACall) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const ExitGuard guard({absl::Milliseconds(150)}, {"MPI did not start", ""});
        absl::SleepFor(absl::Seconds(20));
      },
      ::testing::ExitedWithCode(69), "MPI did not start within 150ms");
}

TEST(ExitGuardTest, LetsAPromptCallPass) { const ExitGuard guard({absl::Seconds(5)}, {"MPI did not start", ""}); }

}  // namespace
}  // namespace deit::collective
