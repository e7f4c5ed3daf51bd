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
  double step_seconds = 1e9;   // of the fastest step
  double sent_early = 1;       // the least share of a step's gradient bytes that had been sent when backward ended
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
        const auto world = testing::NewFaultyCommunicator(std::move(own), {.delay = delay, .unreachable = {}, .first_prompt_tag = exchange::PayloadTag(0)});
        Measured& mine = measured[static_cast<size_t>(world->rank())];
        SmallWorker worker(*world, spec, {.engine = {.tensors = BucketTensors(), .backward = absl::Milliseconds(60)}, .bucket_elements = kBucketElements});
        worker.Initialise();
        exchange::Team& team = worker.workspace().team();
        ASSERT_EQ(team.plan().buckets(), kBuckets);
        const double per_step = static_cast<double>(team.plan().GradientBytes(world->rank()));
        int64_t before = 0;
        worker.engine().OnLaneDone([&] { mine.sent_early = std::min(mine.sent_early, static_cast<double>(worker.trainer().bytes_sent() - before) / per_step); });
        for (int step = 0; step < kSteps; ++step) {
          before = worker.trainer().bytes_sent();
          const absl::Duration start = Clock::System().Elapsed();
          worker.Steps(1);
          mine.step_seconds = std::min(mine.step_seconds, absl::ToDoubleSeconds(Clock::System().Elapsed() - start));
        }
      });
    }
  }
  return {std::max(measured[0].step_seconds, measured[1].step_seconds), std::min(measured[0].sent_early, measured[1].sent_early)};
}

TEST(OverlapTest, AStepGrowsByTheLastReductionAndTheGatherOnly) {
  const Measured prompt = Measure(absl::ZeroDuration()), late = Measure(absl::Milliseconds(50));
  EXPECT_GE(late.step_seconds - prompt.step_seconds, 0.06) << "the delay is at work";
  EXPECT_LE(late.step_seconds - prompt.step_seconds, 0.12);
}

TEST(OverlapTest, AllBucketsHaveLeftWhenBackwardEnds) { EXPECT_EQ(Measure(absl::ZeroDuration()).sent_early, 1); }

}  // namespace
}  // namespace deit::train
