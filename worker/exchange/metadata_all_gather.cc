#include "worker/exchange/metadata_all_gather.h"

#include <algorithm>

#include "worker/exchange/message_batch.h"

namespace deit::exchange {

using collective::Buffer;
using collective::ElementType;

Status MetadataAllGather::Exchange(std::span<const std::byte> mine, const std::vector<size_t>& sizes, absl::string_view what) {
  const Topology& topology = context_->plan->topology();
  NodeBuffers& memory = *context_->memory;
  DEIT_CHECK(sizes.size() == static_cast<size_t>(topology.workers()));
  DEIT_CHECK(mine.size() == sizes[static_cast<size_t>(context_->worker())] && mine.size() <= memory.layout().payload_capacity, mine.size());
  sizes_ = sizes;
  ++sequence_;
  // Two buffers by turns: a peer that still reads the previous payload holds back the next exchange, so this one is free.
  std::copy(mine.begin(), mine.end(), memory.payload(context_->member(), sequence_));
  memory.flags().Set(context_->member(), kPayload, sequence_);
  if (topology.nodes() > 1 && context_->member() == 0) DEIT_RETURN_IF_ERROR(ExchangeBetweenNodes(what));
  DEIT_RETURN_IF_ERROR(AwaitNode(what));
  if (topology.nodes() > 1) {
    DEIT_RETURN_IF_ERROR(collective::WaitUntil(
        [&]() -> StatusOr<bool> { return memory.flags().Get(0, kRemotePayloads) >= sequence_; }, context_->deadline,
        [&] {
          return collective::WaitDescription{
              absl::StrCat("worker ", context_->members()[0], " did not bring the other nodes' ", what, " of step ", context_->step),
              context_->LastReport(context_->members()[0])};
        }));
  }
  for (int w = 0; w < topology.workers(); ++w) {
    const bool from_memory = topology.node_of[static_cast<size_t>(w)] == context_->node() || context_->member() != 0;
    if (w != context_->worker() && from_memory) bytes_sent_ += static_cast<int64_t>(sizes[static_cast<size_t>(w)]);
  }
  return absl::OkStatus();
}

Status MetadataAllGather::ExchangeBetweenNodes(absl::string_view what) {
  const Topology& topology = context_->plan->topology();
  NodeBuffers& memory = *context_->memory;
  MessageBatch messages(context_);
  for (int node = 0; node < topology.nodes(); ++node) {
    if (node == context_->node()) continue;
    const std::vector<int>& members = topology.members[static_cast<size_t>(node)];
    for (int w : members) {
      const Buffer buffer{memory.remote_payload(w, sequence_), sizes_[static_cast<size_t>(w)], ElementType::kUint8};
      DEIT_RETURN_IF_ERROR(messages.Receive(buffer, members[0], PayloadTag(w), w));
    }
  }
  DEIT_RETURN_IF_ERROR(AwaitNode(what));
  for (int node = 0; node < topology.nodes(); ++node) {
    if (node == context_->node()) continue;
    for (size_t k = 0; k < context_->members().size(); ++k) {
      const int w = context_->members()[k];
      const Buffer buffer{memory.payload(static_cast<int>(k), sequence_), sizes_[static_cast<size_t>(w)], ElementType::kUint8};
      DEIT_RETURN_IF_ERROR(messages.Send(buffer, topology.members[static_cast<size_t>(node)][0], PayloadTag(w)));
    }
  }
  bytes_sent_ += messages.bytes_sent();
  DEIT_RETURN_IF_ERROR(messages.Finish(absl::StrCat("the ", what)));
  memory.flags().Set(0, kRemotePayloads, sequence_);
  return absl::OkStatus();
}

Status MetadataAllGather::AwaitNode(absl::string_view what) {
  return context_->AwaitMembers(kPayload, sequence_, absl::StrCat("reach the ", what));
}

std::span<const std::byte> MetadataAllGather::Of(int worker) const {
  const Topology& topology = context_->plan->topology();
  const bool here = topology.node_of[static_cast<size_t>(worker)] == context_->node();
  const std::byte* data = here ? context_->memory->payload(topology.index_of[static_cast<size_t>(worker)], sequence_)
                               : context_->memory->remote_payload(worker, sequence_);
  return {data, sizes_[static_cast<size_t>(worker)]};
}

}  // namespace deit::exchange
