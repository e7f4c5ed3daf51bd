// All-gather of step metadata: every worker contributes a few bytes and receives those of all workers. Between workers of a node through
// its shared memory, between nodes by messages of the nodes' first members.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/strings/string_view.h"
#include "worker/exchange/context.h"

namespace deit::exchange {

// Collective over all workers, who call Exchange equally often. One thread at a time.
class MetadataAllGather {
 public:
  explicit MetadataAllGather(Context* context) : context_(context) {}

  // Gives `mine` to everybody; sizes[w] is the size of worker w's payload, at most the memory's payload_capacity, and known to all.
  // Blocks until all have arrived, at most the context's deadline: the error names the worker that is missing and `what` it was for.
  Status Exchange(std::span<const std::byte> mine, const std::vector<size_t>& sizes, absl::string_view what);

  // Worker w's payload of the latest Exchange; valid until the next one.
  std::span<const std::byte> Of(int worker) const;

  int64_t bytes_sent() const { return bytes_sent_; }  // handed to the transport or read from another worker's memory

 private:
  Status ExchangeBetweenNodes(absl::string_view what);
  Status AwaitNode(absl::string_view what);

  Context* context_;
  std::vector<size_t> sizes_;
  uint64_t sequence_ = 0;
  int64_t bytes_sent_ = 0;
};

}  // namespace deit::exchange
