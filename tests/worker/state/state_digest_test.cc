#include "worker/state/state_digest.h"

#include <gtest/gtest.h>

#include "common/base/digest.h"
#include "tests/support/rank_harness.h"
#include "tests/worker/train/small_job.h"

namespace deit::state {
namespace {

using train::SmallSpec;
using train::SmallWorker;
using train::TinyTensors;

// The initial state as one string of bytes: tensors in state-dict order, fp32, the count of batches as int64, no padding.
std::string InitialBytes(const std::vector<models::TensorSpec>& tensors, uint64_t seed) {
  std::string bytes;
  for (size_t t = 0; t < tensors.size(); ++t) {
    std::vector<float> values(static_cast<size_t>(tensors[t].size()));
    EXPECT_TRUE(models::InitialiseTensor(tensors[t], static_cast<int>(t), seed, values.data()).ok());
    const bool count = tensors[t].role == models::TensorRole::kBatchesTracked;
    bytes += count ? std::string(sizeof(int64_t), '\0')
                   : std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  }
  return bytes;
}

TEST(StateDigestTest, WeightsAreDigestedInStateDictOrderWithoutPadding) {
  const std::string bytes = InitialBytes(TinyTensors(), 5);
  testing::RunOnThreads(2, [&](collective::Communicator& world) {
    SmallWorker worker(world, SmallSpec(), {.engine = {.tensors = TinyTensors()}});
    worker.Initialise();
    EXPECT_EQ(worker.weights(), Digest64(bytes.data(), bytes.size()));
  });
}

TEST(StateDigestTest, EveryPartOfTheStateShowsAndPaddingDoesNot) {
  testing::RunOnThreads(1, [](collective::Communicator& world) {
    SmallWorker worker(world, SmallSpec(), {.engine = {.tensors = TinyTensors()}});
    worker.Initialise();
    worker.Steps(1);
    const JobState& state = worker.training_state().state();
    float* const weights = worker.training_state().worker_group().memory().weights();
    const uint64_t weights_digest = worker.weights(), state_digest = worker.state();
    const auto changes = [&](float* value, bool shows_in_weights, bool shows_in_state) {
      const float before = *value;
      *value += 1;
      EXPECT_EQ(worker.weights() != weights_digest, shows_in_weights);
      EXPECT_EQ(worker.state() != state_digest, shows_in_state);
      *value = before;
    };
    for (const plan::TensorPlace& tensor : state.grid->tensors()) changes(weights + tensor.offset + tensor.count - 1, true, false);
    changes(weights + state.grid->tensors()[0].offset + state.grid->tensors()[0].count, false, false);  // padding
    for (int64_t i = 0; i < state.buffers->size(); ++i) {
      changes(state.buffers->values() + i, true, false);
      changes(state.buffers->ema() + i, false, true);
    }
    for (const OwnedBlock& b : state.owned->blocks()) {
      for (const checkpoint::TensorKind kind : state.owned->kinds())
        changes(state.owned->values(kind) + b.local + b.count - 1, false, true);
    }
    ++state.buffers->batches_tracked;
    EXPECT_NE(worker.weights(), weights_digest);
  });
}

}  // namespace
}  // namespace deit::state
