#include "worker/exchange/weight_gather.h"

#include "worker/exchange/trade.h"

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
  if (context_->plan->topology().nodes() > 1) DEIT_RETURN_IF_ERROR(TradeBetweenNodes());
  context_->memory->flags().Set(context_->member(), kWeightsUpdated, sequence_);
  return context_->AwaitMembers(kWeightsUpdated, sequence_, "update its part of the weights");
}

void WeightGather::Cast(ElementRange range) {
  if (auto* copy = context_->memory->compute_weights()) {
    update::CastToBFloat16(context_->memory->weights() + range.begin, copy + range.begin, range.count);
  }
}

void WeightGather::CastOwnParts() {
  const ExchangePlan& plan = *context_->plan;
  for (int bucket = 0; bucket < plan.buckets(); ++bucket) Cast(plan.PartOf(bucket, context_->worker()));
}

Status WeightGather::TradeBetweenNodes() {
  const ExchangePlan& plan = *context_->plan;
  const auto buffer = [&](ElementRange part) {
    return Buffer{context_->memory->weights() + part.begin, static_cast<size_t>(part.count), ElementType::kFloat32};
  };
  Trade trade(context_);
  for (int bucket = 0; bucket < plan.buckets(); ++bucket) {
    for (int owner : proxied_) {
      const ElementRange part = plan.PartOf(bucket, owner);
      if (part.count > 0) DEIT_RETURN_IF_ERROR(trade.Receive(buffer(part), owner, WeightTag(bucket), owner));
    }
  }
  for (int bucket = 0; bucket < plan.buckets(); ++bucket) {
    const ElementRange part = plan.PartOf(bucket, context_->worker());
    for (int node = 0; node < plan.topology().nodes() && part.count > 0; ++node) {
      if (node == context_->node()) continue;
      DEIT_RETURN_IF_ERROR(trade.Send(buffer(part), plan.ProxyOf(context_->worker(), node), WeightTag(bucket)));
    }
  }
  bytes_sent_ += trade.bytes_sent();
  DEIT_RETURN_IF_ERROR(trade.Finish("its part of the weights"));
  for (int bucket = 0; bucket < plan.buckets(); ++bucket) {
    for (int owner : proxied_) Cast(plan.PartOf(bucket, owner));
  }
  return absl::OkStatus();
}

}  // namespace deit::exchange
