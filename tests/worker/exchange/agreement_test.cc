#include "worker/exchange/agreement.h"

#include <gtest/gtest.h>

#include "common/base/exit_code.h"
#include "tests/support/rank_harness.h"
#include "tests/worker/exchange/lane_sums.h"

namespace deit::exchange {
namespace {

using collective::Communicator;

const collective::Deadline kLongTimeout{absl::Seconds(30)};

Status FullDisk() { return WithHint(WithExitCode(absl::DataLossError("disk: full"), ExitCode::kNotSaved), "make room"); }

void ExpectFullDisk(const Status& status, int worker, int culprit) {
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), worker == culprit ? "disk: full" : absl::StrCat("worker ", culprit, ": disk: full"));
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNotSaved);
  EXPECT_EQ(HintOf(status), "make room");
  EXPECT_EQ(AgreedFailureOf(status), culprit);
}

TEST(AgreementTest, AllFineIsFine) {
  for (int workers : {1, 2, 5}) {
    testing::RunOnThreads(workers, [](Communicator& member) { EXPECT_TRUE(Agree(member, kLongTimeout, absl::OkStatus(), "x").ok()); });
  }
}

TEST(AgreementTest, TheLowestWorkersFailureIsEverybodysWithItsExitCodeAndHint) {
  testing::RunOnThreads(5, [](Communicator& member) {
    const Status mine = member.rank() == 2 ? FullDisk() : member.rank() == 4 ? absl::InternalError("other") : absl::OkStatus();
    ExpectFullDisk(Agree(member, kLongTimeout, mine, "saving"), member.rank(), 2);
    EXPECT_TRUE(Agree(member, kLongTimeout, absl::OkStatus(), "the next").ok());
  });
}

TEST(AgreementTest, LongTextsAreCut) {
  testing::RunOnThreads(2, [](Communicator& member) {
    const std::string text(100000, 'x');
    const Status mine = member.rank() == 0 ? WithHint(absl::DataLossError(text), text) : absl::OkStatus();
    const Status all = Agree(member, kLongTimeout, mine, "x");
    EXPECT_EQ(all.code(), absl::StatusCode::kDataLoss);
    if (member.rank() == 1) {
      EXPECT_EQ(all.message(), "worker 0: " + text.substr(0, 2047));
      EXPECT_EQ(HintOf(all), text.substr(0, 511));
    }
  });
}

TEST(AgreementTest, NumbersAreSharedByWorker) {
  testing::RunOnThreads(5, [](Communicator& member) {
    const auto numbers = ShareNumbers(member, kLongTimeout, static_cast<uint64_t>(10 * member.rank()), "x");
    ASSERT_TRUE(numbers.ok()) << numbers.status();
    EXPECT_EQ(*numbers, (std::vector<uint64_t>{0, 10, 20, 30, 40}));
  });
}

TEST(AgreementTest, ATeamAgreesInEveryWorld) {
  const plan::Grid grid = SampleGrid();
  for (int workers : {1, 2, 5}) {
    for (const World& world : Worlds(workers)) {
      testing::RunOnThreads(
          workers,
          [&](Communicator& member) {
            auto worker_group = WorkerGroup::Create(member, grid, OptionsFor(8));
            ASSERT_TRUE(worker_group.ok()) << worker_group.status();
            EXPECT_TRUE((*worker_group)->Agree(absl::OkStatus(), "x").ok());
            const int culprit = workers - 1;
            const Status all = (*worker_group)->Agree(member.rank() == culprit ? FullDisk() : absl::OkStatus(), "saving");
            if (workers > 1) ExpectFullDisk(all, member.rank(), culprit);
            EXPECT_FALSE(all.ok());
            const auto numbers = (*worker_group)->ShareNumbers(static_cast<uint64_t>(member.rank()), "x");
            ASSERT_TRUE(numbers.ok()) << numbers.status();
            for (size_t w = 0; w < numbers->size(); ++w) EXPECT_EQ((*numbers)[w], w);
          },
          world.options);
    }
  }
}

TEST(WorkerGroupTest, MoreWorkersThanLanesIsAMistakeOfTheUsers) {
  const plan::Grid grid = SampleGrid();
  testing::RunOnThreads(3, [&](Communicator& member) {
    const Status status = WorkerGroup::Create(member, grid, OptionsFor(2)).status();
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kBadConfig);
    EXPECT_NE(status.message().find("workers: 3: more than train.lanes, 2"), absl::string_view::npos) << status;
  });
}

TEST(WorkerGroupTest, BuffersStandOnPageBounds) {
  const plan::Grid grid = SampleGrid();
  for (const World& world : Worlds(3)) {
    testing::RunOnThreads(
        3,
        [&](Communicator& member) {
          WorkerGroupOptions options = OptionsFor(8);
          options.statistics = 13;
          options.compute_copy = true;
          auto worker_group = WorkerGroup::Create(member, grid, options);
          ASSERT_TRUE(worker_group.ok()) << worker_group.status();
          const auto place = [](const void* p) { return reinterpret_cast<uintptr_t>(p) % kBufferAlignment; };
          NodeBuffers& memory = (*worker_group)->memory();
          EXPECT_EQ(place(memory.weights()), 0u);
          EXPECT_EQ(place(memory.compute_weights()), 0u);
          for (int s = 0; s < (*worker_group)->plan().AccumulationOf(member.rank()).slots; ++s)
            EXPECT_EQ(place(memory.slot((*worker_group)->context().member(), s)), 0u);
          ASSERT_TRUE((*worker_group)->Agree(absl::OkStatus(), "the end").ok());
        },
        world.options);
  }
}

}  // namespace
}  // namespace deit::exchange
