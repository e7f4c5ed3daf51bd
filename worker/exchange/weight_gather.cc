#include "worker/exchange/weight_gather.h"

#include <utility>

namespace deit::exchange {

using collective::Buffer;
using collective::ElementType;

WeightGather::WeightGather(Context* context) : context_(context) {
  const Topology& topology = context->plan->topology();
  for (int owner = 0; owner < topology.workers(); ++owner) {
    const bool remote = topology.node_of[static_cast<size_t>(owner)] != context->node();
    if (remote && context->plan->ProxyOf(owner, context->node()) == context->worker()) proxied_.push_back(owner);
  }
}

Status WeightGather::Publish() {
  ++sequence_;
  if (context_->plan->topology().nodes() > 1) DEIT_RETURN_IF_ERROR(Trade());
  context_->memory->flags().Set(context_->member(), kWeightsUpdated, sequence_);
  return collective::WaitUntil([&]() -> StatusOr<bool> { return context_->FirstBelow(kWeightsUpdated, sequence_) < 0; }, context_->deadline,
                               [&] {
                                 const int late = context_->FirstBelow(kWeightsUpdated, sequence_);
                                 return collective::Awaited{
                                     absl::StrCat("worker ", late, " did not update its part of the weights in step ", context_->step),
                                     context_->LastReport(late)};
                               });
}

void WeightGather::Cast(ElementRange range) {
  if (auto* copy = context_->memory->compute_weights()) {
    update::CastToBFloat16(context_->memory->weights() + range.begin, copy + range.begin, range.count);
  }
}

Status WeightGather::Trade() {
  const ExchangePlan& plan = *context_->plan;
  const Topology& topology = plan.topology();
  float* const weights = context_->memory->weights();
  std::vector<std::unique_ptr<collective::Transfer>> transfers;
  std::vector<int> from;  // by transfer: the owner whose part arrives, or -1
  for (int bucket = 0; bucket < plan.buckets(); ++bucket) {
    for (int owner : proxied_) {
      const ElementRange part = plan.PartOf(bucket, owner);
      if (part.count == 0) continue;
      const Buffer buffer{weights + part.begin, static_cast<size_t>(part.count), ElementType::kFloat32};
      DEIT_ASSIGN_OR_RETURN(auto transfer, context_->world->Receive(buffer, owner, WeightTag(bucket)));
      transfers.push_back(std::move(transfer));
      from.push_back(owner);
    }
  }
  for (int bucket = 0; bucket < plan.buckets(); ++bucket) {
    const ElementRange part = plan.PartOf(bucket, context_->worker());
    for (int node = 0; node < topology.nodes() && part.count > 0; ++node) {
      if (node == context_->node()) continue;
      const Buffer buffer{weights + part.begin, static_cast<size_t>(part.count), ElementType::kFloat32};
      DEIT_ASSIGN_OR_RETURN(auto transfer, context_->world->Send(buffer, plan.ProxyOf(context_->worker(), node), WeightTag(bucket)));
      transfers.push_back(std::move(transfer));
      from.push_back(-1);
      bytes_sent_ += static_cast<int64_t>(buffer.bytes());
    }
  }
  DEIT_RETURN_IF_ERROR(collective::WaitAll(transfers, context_->deadline, [&] {
    for (size_t k = 0; k < transfers.size(); ++k) {
      const auto done = transfers[k]->Test();
      if (from[k] >= 0 && !(done.ok() && *done)) {
        return collective::Awaited{absl::StrCat("worker ", from[k], " did not send its part of the weights of step ", context_->step), ""};
      }
    }
    return collective::Awaited{absl::StrCat("a peer did not take the weights of step ", context_->step), ""};
  }));
  for (int bucket = 0; bucket < plan.buckets(); ++bucket) {
    for (int owner : proxied_) Cast(plan.PartOf(bucket, owner));
  }
  return absl::OkStatus();
}

}  // namespace deit::exchange
