// Gradients travel while the last lane's backward pass goes on.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "tests/support/faulty_communicator.h"
#include "tests/support/rank_harness.h"
#include "tests/worker/train/small_job.h"

namespace deit::train {
namespace {

constexpr int kBuckets = 9;
constexpr int64_t kBucketElements = 1000;
constexpr int kSteps = 6;

std::vector<models::TensorSpec> BucketTensors() {
  std::vector<models::TensorSpec> tensors;
  for (int b = 0; b < kBuckets; ++b) tensors.push_back({.name = absl::StrCat("t", b), .shape = {kBucketElements}});
  return tensors;
}

struct Measured {
  double step_seconds = 1e9;  // of the fastest step
  bool sent_early = true;     // all but the last bucket had left before its last gradient was known
};

// Two workers, each on its own node, one lane each, 60 ms of backward; buckets' messages are seen `delay` late.
Measured Measure(absl::Duration delay) {
  v1::JobSpec spec = SmallSpec();
  spec.mutable_train()->set_lanes(2);
  spec.mutable_train()->set_batch_size(2);
  std::vector<std::unique_ptr<collective::Communicator>> members = collective::NewLocalGroup(2, {.hosts = {"a", "b"}});
  std::vector<Measured> measured(2);
  {
    std::vector<std::jthread> threads;
    for (auto& member : members) {
      threads.emplace_back([&, own = std::move(member)]() mutable {
        const auto world = testing::NewFaultyCommunicator(std::move(own),
                                                          {.delay = delay, .unreachable = {}, .first_prompt_tag = exchange::PayloadTag(0)});
        Measured& mine = measured[static_cast<size_t>(world->rank())];
        SmallWorker worker(
            *world, spec, {.engine = {.tensors = BucketTensors(), .backward = absl::Milliseconds(60)}, .bucket_elements = kBucketElements});
        worker.Initialise();
        exchange::WorkerGroup& worker_group = worker.training_state().worker_group();
        ASSERT_EQ(worker_group.plan().buckets(), kBuckets);
        int64_t before = 0, all_but_last = 0;
        for (int bucket = 0; bucket + 1 < kBuckets; ++bucket)
          all_but_last += 4 * worker_group.plan().ShardOf(bucket, 1 - world->rank()).count;
        worker.engine().BeforeLastTensor(
            [&] { mine.sent_early = mine.sent_early && worker.trainer().bytes_sent() - before == all_but_last; });
        for (int step = 0; step < kSteps; ++step) {
          before = worker.trainer().bytes_sent();
          const absl::Duration start = Clock::System().Elapsed();
          worker.Steps(1);
          mine.step_seconds = std::min(mine.step_seconds, absl::ToDoubleSeconds(Clock::System().Elapsed() - start));
        }
      });
    }
  }
  return {std::max(measured[0].step_seconds, measured[1].step_seconds), measured[0].sent_early && measured[1].sent_early};
}

TEST(OverlapTest, AStepGrowsByTheLastReductionAndTheGatherOnly) {
  const Measured prompt = Measure(absl::ZeroDuration()), late = Measure(absl::Milliseconds(50));
  EXPECT_GE(late.step_seconds - prompt.step_seconds, 0.06) << "the delay is at work";
  EXPECT_LE(late.step_seconds - prompt.step_seconds, 0.12);
}

TEST(OverlapTest, BucketsLeaveAsSoonAsTheyAreComplete) { EXPECT_TRUE(Measure(absl::ZeroDuration()).sent_early); }

}  // namespace
}  // namespace deit::train
