#include "worker/data/retry_read.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/fake_clock.h"

namespace deit::data {
namespace {

const Status kIoError = absl::InternalError("/data/x.jpg: cannot read: input/output error");

TEST(RetryReadTest, AFailureThatPassesIsNotSeen) {
  testing::FakeClock clock;
  int reads = 0;
  EXPECT_TRUE(RetryRead(
                  absl::Seconds(30), [&] { return ++reads < 5 ? kIoError : absl::OkStatus(); }, clock)
                  .ok());
  EXPECT_EQ(reads, 5);
  EXPECT_EQ(clock.Elapsed(), absl::Milliseconds(50 + 100 + 200 + 400));
}

TEST(RetryReadTest, AFailureThatStaysIsToldWithItsCauseAndHowLongItWasTried) {
  testing::FakeClock clock;
  const Status status = RetryRead(
      absl::Seconds(30), [] { return kIoError; }, clock);
  EXPECT_EQ(status.code(), kIoError.code());
  EXPECT_EQ(status.message(), "/data/x.jpg: cannot read: input/output error (tried again for 29.15s)");
  EXPECT_LE(clock.Elapsed(), absl::Seconds(30));
}

TEST(RetryReadTest, AMissingFileIsNotAskedForTwice) {
  testing::FakeClock clock;
  for (const Status& status : {absl::NotFoundError("x"), absl::PermissionDeniedError("x"), absl::DataLossError("x")}) {
    int reads = 0;
    EXPECT_EQ(RetryRead(
                  absl::Seconds(30), [&] { return ++reads, status; }, clock),
              status);
    EXPECT_EQ(reads, 1);
  }
  EXPECT_EQ(clock.Elapsed(), absl::ZeroDuration());
}

TEST(RetryReadTest, WithoutALimitThereIsOneTry) {
  testing::FakeClock clock;
  int reads = 0;
  EXPECT_FALSE(RetryRead(
                   absl::ZeroDuration(), [&] { return ++reads, kIoError; }, clock)
                   .ok());
  EXPECT_EQ(reads, 1);
}

}  // namespace
}  // namespace deit::data
