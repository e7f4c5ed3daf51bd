#include "worker/exchange/metadata_all_gather.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "worker/exchange/agreement.h"
#include "worker/exchange/message_batch.h"

namespace deit::exchange {
namespace {

using collective::Buffer;
using collective::ElementType;

constexpr size_t kHeader = sizeof(PayloadHeader);
static_assert(kHeader == 128);

std::string Named(const PayloadHeader& header) { return absl::StrCat("the ", header.what.data(), " of step ", header.step); }

}  // namespace

Status MetadataAllGather::Exchange(std::span<const std::byte> mine, const std::vector<size_t>& sizes, absl::string_view what) {
  const Topology& topology = context_->plan->topology();
  DEIT_CHECK(sizes.size() == static_cast<size_t>(topology.workers()));
  DEIT_CHECK(mine.size() == sizes[static_cast<size_t>(context_->worker())], mine.size());
  DEIT_CHECK(mine.size() + kHeader <= context_->memory->layout().payload_capacity, mine.size());
  return ExchangeAt(context_->step, mine, sizes, what);
}

Status MetadataAllGather::ExchangeAt(uint64_t step, std::span<const std::byte> mine, const std::vector<size_t>& sizes,
                                     absl::string_view what) {
  const Topology& topology = context_->plan->topology();
  sizes_ = sizes;
  PayloadHeader header{.step = step, .failed = 0, .what = {}};
  std::copy_n(what.data(), std::min(what.size(), header.what.size() - 1), header.what.data());
  DEIT_RETURN_IF_ERROR(ExchangeHeadersAndPayloads(header, mine));
  if (AnyFailed()) return ShareFailure(absl::OkStatus());
  DEIT_RETURN_IF_ERROR(CompareHeaders());
  for (int w = 0; w < topology.workers(); ++w) {
    const bool from_memory = topology.node_of[static_cast<size_t>(w)] == context_->node() || context_->member() != 0;
    if (w != context_->worker() && from_memory) bytes_sent_ += static_cast<int64_t>(sizes[static_cast<size_t>(w)]);
  }
  return absl::OkStatus();
}

Status MetadataAllGather::Fail(const Status& failure) {
  context_->reports->Set(kGivenUp, std::numeric_limits<uint64_t>::max());  // whatever step the others are at
  sizes_.assign(static_cast<size_t>(context_->plan->topology().workers()), 0);
  DEIT_RETURN_IF_ERROR(ExchangeHeadersAndPayloads({.step = context_->step, .failed = 1, .what = {}}, {}));
  return ShareFailure(failure);
}

// Headers are there on all workers when it returns, and payloads too unless one of the workers failed or is in another exchange.
Status MetadataAllGather::ExchangeHeadersAndPayloads(const PayloadHeader& header, std::span<const std::byte> mine) {
  NodeBuffers& memory = *context_->memory;
  const absl::string_view what = header.what.data();
  ++sequence_;
  // Two buffers by turns: a peer that still reads the previous payload holds back the next exchange, so this one is free.
  std::byte* const own = memory.payload(context_->member(), sequence_);
  std::memcpy(own, &header, kHeader);
  std::copy(mine.begin(), mine.end(), own + kHeader);
  memory.flags().Set(context_->member(), kPayload, sequence_);
  context_->AddPiece();
  const bool alone = context_->plan->topology().nodes() == 1;
  if (!alone && context_->member() == 0) {
    DEIT_RETURN_IF_ERROR(ExchangeHeaders(what));
    if (!AnyFailed() && CompareHeaders().ok()) DEIT_RETURN_IF_ERROR(ExchangePayloads(what));
    memory.flags().Set(0, kRemotePayloads, sequence_);
  }
  DEIT_RETURN_IF_ERROR(AwaitNode(what));
  if (alone) return absl::OkStatus();
  return collective::WaitUntil(
      [&]() -> StatusOr<bool> { return memory.flags().Get(0, kRemotePayloads) >= sequence_; }, context_->deadline,
      [&] {
        return collective::WaitDescription{
            absl::StrCat("worker ", context_->members()[0], " did not bring the other nodes' ", what, " of step ", context_->step),
            context_->ReportOfLast()};
      });
}

Status MetadataAllGather::ExchangeHeaders(absl::string_view what) {
  const Topology& topology = context_->plan->topology();
  std::vector<std::vector<std::byte>> of_nodes(static_cast<size_t>(topology.nodes()));
  const auto buffer = [](std::vector<std::byte>& bytes) { return Buffer{bytes.data(), bytes.size(), ElementType::kUint8}; };
  for (int node = 0; node < topology.nodes(); ++node) {
    of_nodes[static_cast<size_t>(node)].resize(kHeader * topology.members[static_cast<size_t>(node)].size());
  }
  MessageBatch messages(context_);
  for (int node = 0; node < topology.nodes(); ++node) {
    if (node == context_->node()) continue;
    const int peer = topology.members[static_cast<size_t>(node)][0];
    DEIT_RETURN_IF_ERROR(messages.Receive(buffer(of_nodes[static_cast<size_t>(node)]), peer, HeadersTag(), -1));
  }
  DEIT_RETURN_IF_ERROR(AwaitNode(what));
  std::vector<std::byte>& own = of_nodes[static_cast<size_t>(context_->node())];
  for (size_t k = 0; k < context_->members().size(); ++k) std::memcpy(own.data() + k * kHeader, Place(context_->members()[k]), kHeader);
  for (int node = 0; node < topology.nodes(); ++node) {
    if (node != context_->node()) {
      DEIT_RETURN_IF_ERROR(messages.Send(buffer(own), topology.members[static_cast<size_t>(node)][0], HeadersTag()));
    }
  }
  bytes_sent_ += messages.bytes_sent();
  DEIT_RETURN_IF_ERROR(messages.Finish(absl::StrCat("the ", what)));
  for (int node = 0; node < topology.nodes(); ++node) {
    if (node == context_->node()) continue;
    const auto& members = topology.members[static_cast<size_t>(node)];
    for (size_t k = 0; k < members.size(); ++k) {
      std::memcpy(Place(members[k]), of_nodes[static_cast<size_t>(node)].data() + k * kHeader, kHeader);
    }
  }
  return absl::OkStatus();
}

Status MetadataAllGather::ExchangePayloads(absl::string_view what) {
  const Topology& topology = context_->plan->topology();
  const auto buffer = [&](int w) { return Buffer{Place(w) + kHeader, sizes_[static_cast<size_t>(w)], ElementType::kUint8}; };
  MessageBatch messages(context_);
  for (int w = 0; w < topology.workers(); ++w) {
    const int node = topology.node_of[static_cast<size_t>(w)];
    if (node == context_->node()) continue;
    DEIT_RETURN_IF_ERROR(messages.Receive(buffer(w), topology.members[static_cast<size_t>(node)][0], PayloadTag(w), w));
  }
  for (int node = 0; node < topology.nodes(); ++node) {
    if (node == context_->node()) continue;
    for (const int w : context_->members()) {
      DEIT_RETURN_IF_ERROR(messages.Send(buffer(w), topology.members[static_cast<size_t>(node)][0], PayloadTag(w)));
    }
  }
  bytes_sent_ += messages.bytes_sent();
  return messages.Finish(absl::StrCat("the ", what));
}

Status MetadataAllGather::AwaitNode(absl::string_view what) {
  return context_->AwaitMembers(kPayload, sequence_, absl::StrCat("reach the ", what));
}

Status MetadataAllGather::ShareFailure(const Status& mine) {
  const auto gather = [&](absl::Span<const std::byte> own, absl::Span<std::byte> all) {
    const std::vector<size_t> sizes(static_cast<size_t>(context_->plan->topology().workers()), own.size());
    DEIT_RETURN_IF_ERROR(ExchangeAt(0, {own.data(), own.size()}, sizes, "failure"));  // steps may differ: a failure comes when it comes
    for (size_t w = 0; w < sizes.size(); ++w) std::memcpy(all.data() + w * own.size(), Of(static_cast<int>(w)).data(), own.size());
    return absl::OkStatus();
  };
  return Agree(gather, context_->worker(), context_->plan->topology().workers(), mine);
}

Status MetadataAllGather::CompareHeaders() const {
  const PayloadHeader first = HeaderOf(0);
  for (int w = 1; w < context_->plan->topology().workers(); ++w) {
    const PayloadHeader header = HeaderOf(w);
    if (header.step == first.step && header.what == first.what) continue;
    return absl::InternalError(
        absl::StrCat("workers are in different exchanges: worker 0 in ", Named(first), ", worker ", w, " in ", Named(header)));
  }
  return absl::OkStatus();
}

bool MetadataAllGather::AnyFailed() const {
  for (int w = 0; w < context_->plan->topology().workers(); ++w) {
    if (HeaderOf(w).failed != 0) return true;
  }
  return false;
}

PayloadHeader MetadataAllGather::HeaderOf(int worker) const {
  PayloadHeader header;
  std::memcpy(&header, Place(worker), kHeader);
  header.what.back() = '\0';
  return header;
}

std::byte* MetadataAllGather::Place(int worker) const {
  const Topology& topology = context_->plan->topology();
  const bool here = topology.node_of[static_cast<size_t>(worker)] == context_->node();
  return here ? context_->memory->payload(topology.index_of[static_cast<size_t>(worker)], sequence_)
              : context_->memory->remote_payload(worker, sequence_);
}

std::span<const std::byte> MetadataAllGather::Of(int worker) const {
  return {Place(worker) + kHeader, sizes_[static_cast<size_t>(worker)]};
}

}  // namespace deit::exchange
