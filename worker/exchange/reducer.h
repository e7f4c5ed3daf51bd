// Sums the workers' gradients, bucket by bucket, while the backward pass goes on: each worker ends with the sum over all lanes of its own
// shards. Not thread-safe: the training thread calls it. One per team: the node's flags count its steps.
#pragma once

#include <cstdint>
#include <memory>

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
  // the next metadata all-gather. The sums of own shards are then in this worker's slot 0.
  virtual Status Finish() = 0;

  // Bytes handed to the transport or read from another worker's slots, since the start.
  int64_t bytes_sent() const { return bytes_sent_; }

 protected:
  int64_t bytes_sent_ = 0;
};

// The fixed tree of exchange_plan.h: the same bits for every world (law 1).
std::unique_ptr<Reducer> NewExactReducer(Context* context);

// The library's own reduce-scatter of each bucket; each worker adds its lanes into slot 0 beforehand. The order of additions, and so the
// last bits, depend on the world and the library.
std::unique_ptr<Reducer> NewFastestReducer(Context* context);

}  // namespace deit::exchange
