// All-gather of updated parameters: owners write their shards straight into their node's memory; other nodes get them by message, and the
// proxy that receives a shard makes the compute copy there. Within a node nothing is sent.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/exchange/context.h"

namespace deit::exchange {

// Collective over all workers. Not thread-safe.
class ParameterAllGather {
 public:
  explicit ParameterAllGather(Context* context);

  // This worker's shards of memory->weights() (and their compute copy) are up to date. Returns when all shards of this node's weights are:
  // only then may the next forward pass begin.
  Status Publish();

  // Casts a range of weights into the compute copy, where there is one.
  void Cast(ElementRange range);

  // The same of this worker's shards.
  void CastOwnShards();

  int64_t bytes_sent() const { return bytes_sent_; }

 private:
  Status ExchangeBetweenNodes();

  Context* context_;
  std::vector<int> proxied_;  // owners on other nodes whose shards this worker receives
  uint64_t sequence_ = 0;
  int64_t bytes_sent_ = 0;
};

}  // namespace deit::exchange
