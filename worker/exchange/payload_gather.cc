#include "worker/exchange/payload_gather.h"

#include <algorithm>
#include <utility>

namespace deit::exchange {

using collective::Buffer;
using collective::ElementType;
using collective::Transfer;

Status PayloadGather::Exchange(std::span<const std::byte> mine, const std::vector<size_t>& sizes, absl::string_view what) {
  const Topology& topology = context_->plan->topology();
  NodeMemory& memory = *context_->memory;
  DEIT_CHECK(sizes.size() == static_cast<size_t>(topology.workers()));
  DEIT_CHECK(mine.size() == sizes[static_cast<size_t>(context_->worker())] && mine.size() <= memory.layout().payload_capacity, mine.size());
  sizes_ = sizes;
  ++sequence_;
  // Two buffers by turns: a peer that still reads the previous payload holds back the next exchange, so this one is free.
  std::copy(mine.begin(), mine.end(), memory.payload(context_->member(), sequence_));
  memory.flags().Set(context_->member(), kPayload, sequence_);
  if (topology.nodes() > 1 && context_->member() == 0) DEIT_RETURN_IF_ERROR(TradeBetweenNodes(what));
  DEIT_RETURN_IF_ERROR(AwaitNode(kPayload, what));
  if (topology.nodes() > 1) {
    DEIT_RETURN_IF_ERROR(collective::WaitUntil(
        [&]() -> StatusOr<bool> { return memory.flags().Get(0, kRemotePayloads) >= sequence_; }, context_->deadline,
        [&] {
          return collective::Awaited{
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

Status PayloadGather::AwaitNode(Flag flag, absl::string_view what) {
  return collective::WaitUntil([&]() -> StatusOr<bool> { return context_->FirstBelow(flag, sequence_) < 0; }, context_->deadline,
                               [&] {
                                 const int late = context_->FirstBelow(flag, sequence_);
                                 return collective::Awaited{
                                     absl::StrCat("worker ", late, " did not reach the ", what, " of step ", context_->step),
                                     context_->LastReport(late)};
                               });
}

Status PayloadGather::TradeBetweenNodes(absl::string_view what) {
  const Topology& topology = context_->plan->topology();
  NodeMemory& memory = *context_->memory;
  std::vector<std::unique_ptr<Transfer>> transfers;
  std::vector<int> from;  // by transfer: the worker whose payload arrives, or -1 for one that leaves
  for (int node = 0; node < topology.nodes(); ++node) {
    if (node == context_->node()) continue;
    for (int w : topology.members[static_cast<size_t>(node)]) {
      const Buffer buffer{memory.remote_payload(w, sequence_), sizes_[static_cast<size_t>(w)], ElementType::kUint8};
      DEIT_ASSIGN_OR_RETURN(auto transfer, context_->world->Receive(buffer, topology.members[static_cast<size_t>(node)][0], PayloadTag(w)));
      transfers.push_back(std::move(transfer));
      from.push_back(w);
    }
  }
  DEIT_RETURN_IF_ERROR(AwaitNode(kPayload, what));
  for (int node = 0; node < topology.nodes(); ++node) {
    if (node == context_->node()) continue;
    for (size_t k = 0; k < context_->members().size(); ++k) {
      const int w = context_->members()[k];
      const Buffer buffer{memory.payload(static_cast<int>(k), sequence_), sizes_[static_cast<size_t>(w)], ElementType::kUint8};
      DEIT_ASSIGN_OR_RETURN(auto transfer, context_->world->Send(buffer, topology.members[static_cast<size_t>(node)][0], PayloadTag(w)));
      transfers.push_back(std::move(transfer));
      from.push_back(-1);
      bytes_sent_ += static_cast<int64_t>(buffer.bytes());
    }
  }
  DEIT_RETURN_IF_ERROR(collective::WaitAll(transfers, context_->deadline, [&] {
    for (size_t k = 0; k < transfers.size(); ++k) {
      const auto done = transfers[k]->Test();
      if (from[k] >= 0 && !(done.ok() && *done)) {
        return collective::Awaited{absl::StrCat("worker ", from[k], " did not send the ", what, " of step ", context_->step), ""};
      }
    }
    return collective::Awaited{absl::StrCat("another node did not take the ", what, " of step ", context_->step), ""};
  }));
  memory.flags().Set(0, kRemotePayloads, sequence_);
  return absl::OkStatus();
}

std::span<const std::byte> PayloadGather::Of(int worker) const {
  const Topology& topology = context_->plan->topology();
  const bool here = topology.node_of[static_cast<size_t>(worker)] == context_->node();
  const std::byte* data = here ? context_->memory->payload(topology.index_of[static_cast<size_t>(worker)], sequence_)
                               : context_->memory->remote_payload(worker, sequence_);
  return {data, sizes_[static_cast<size_t>(worker)]};
}

}  // namespace deit::exchange
