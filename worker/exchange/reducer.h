// Sums the workers' gradients, bucket by bucket, while the backward pass goes on: each worker ends with the sum over all lanes of its own
// shards. Not thread-safe: the training thread calls it. One per team: the node's flags count its steps.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "common/base/status.h"
#include "worker/exchange/context.h"

namespace deit::exchange {

class Reducer {
 public:
  virtual ~Reducer() = default;

  // Before the step's first lane: receives are posted.
  virtual Status BeginStep() = 0;

  // This worker's slots hold the final sums of buckets [0, count): called with growing counts during the last lane's backward.
  virtual Status SetBucketsReady(int count) = 0;

  // Adds and sends whatever can be by now. Never blocks; cheap when there is nothing to do.
  virtual Status Poll() = 0;

  // Blocks, at most the context's deadline, until all own shards are reduced and no peer reads this worker's slots any more after
  // the next metadata all-gather. The sums of own shards are then in this worker's slot 0. `given_up`, asked now and then while it blocks:
  // true makes it return at once, OK, with the sums undefined, and nothing may be reduced afterwards.
  virtual Status Finish(absl::FunctionRef<bool()> given_up) = 0;
  Status Finish() {
    return Finish([] { return false; });
  }

  // Bytes handed to the transport or read from another worker's slots, since the start.
  int64_t bytes_sent() const { return bytes_sent_; }

 protected:
  // `ready`, or given up: for WaitUntil.
  static StatusOr<bool> ReadyOr(absl::FunctionRef<bool()> given_up, uint64_t* rounds, absl::FunctionRef<StatusOr<bool>()> ready) {
    constexpr uint64_t kRounds = 64;  // between two questions: they look at every worker
    if (++*rounds % kRounds == 0 && given_up()) return true;
    return ready();
  }

  int64_t bytes_sent_ = 0;
};

// The fixed tree of exchange_plan.h: the same bits for every world (law 1).
std::unique_ptr<Reducer> NewExactReducer(Context* context);

// The library's own reduce-scatter of each bucket; each worker adds its lanes into slot 0 beforehand. The order of additions, and so the
// last bits, depend on the world and the library.
std::unique_ptr<Reducer> NewFastestReducer(Context* context);

}  // namespace deit::exchange
