// All-gather of step metadata: every worker contributes a few bytes and receives those of all workers. Between workers of a node through
// its shared memory, between nodes by messages of the nodes' first members.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/strings/string_view.h"
#include "worker/exchange/context.h"

namespace deit::exchange {

// Goes before each payload, so that workers which are in different exchanges notice it, and one that failed alone can tell all.
struct PayloadHeader {
  uint64_t step = 0;
  uint64_t failed = 0;           // 1: in place of a payload; its worker tells why in the exchange that follows
  std::array<char, 112> what{};  // the exchange, for people; cut
};

// Collective over all workers, who call Exchange equally often; a worker that failed calls Fail in place of it. One thread at a time.
class MetadataAllGather {
 public:
  explicit MetadataAllGather(Context* context) : context_(context) {}

  // Gives `mine` to all workers; sizes[w] is the size of worker w's payload, at most the memory's payload_capacity without a header, and
  // known to all. `what` and the context's step are equal on all workers. Blocks until all have arrived, at most the context's deadline:
  // the error names the worker that is missing and `what` it was for. Where a worker failed, all get its failure, as by Agree. Internal
  // where the workers are not in the same exchange.
  Status Exchange(std::span<const std::byte> mine, const std::vector<size_t>& sizes, absl::string_view what);

  // This worker alone failed, and so does not come to the exchange that the others are at or come to next: they stop waiting for its
  // gradients, and all get `failure` out of that exchange, as by Agree. Returns what all have agreed on. `failure` is not OK.
  Status Fail(const Status& failure);

  // Worker w's payload of the latest Exchange; valid until the next one.
  std::span<const std::byte> Of(int worker) const;

  int64_t bytes_sent() const { return bytes_sent_; }  // handed to the transport or read from another worker's memory

 private:
  Status ExchangeAt(uint64_t step, std::span<const std::byte> mine, const std::vector<size_t>& sizes, absl::string_view what);
  Status ExchangeHeadersAndPayloads(const PayloadHeader& header, std::span<const std::byte> mine);
  Status ExchangeHeaders(absl::string_view what);
  Status ExchangePayloads(absl::string_view what);
  Status AwaitNode(absl::string_view what);
  Status ShareFailure(const Status& mine);
  Status CompareHeaders() const;
  bool AnyFailed() const;
  std::byte* Place(int worker) const;  // of its header, and then payload
  PayloadHeader HeaderOf(int worker) const;

  Context* context_;
  std::vector<size_t> sizes_;
  uint64_t sequence_ = 0;
  int64_t bytes_sent_ = 0;
};

}  // namespace deit::exchange
