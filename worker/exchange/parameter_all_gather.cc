#include "worker/exchange/parameter_all_gather.h"

#include "worker/exchange/message_batch.h"

namespace deit::exchange {

using collective::Buffer;
using collective::ElementType;

ParameterAllGather::ParameterAllGather(Context* context) : context_(context) {
  const Topology& topology = context->plan->topology();
  for (int owner = 0; owner < topology.workers(); ++owner) {
    const bool remote = topology.node_of[static_cast<size_t>(owner)] != context->node();
    if (remote && context->plan->ProxyOf(owner, context->node()) == context->worker()) proxied_.push_back(owner);
  }
}

Status ParameterAllGather::Publish() {
  ++sequence_;
  if (context_->plan->topology().nodes() > 1) DEIT_RETURN_IF_ERROR(ExchangeBetweenNodes());
  context_->memory->flags().Set(context_->member(), kWeightsUpdated, sequence_);
  return context_->AwaitMembers(kWeightsUpdated, sequence_, "update its part of the weights");
}

void ParameterAllGather::Cast(ElementRange range) {
  if (auto* copy = context_->memory->compute_weights()) {
    update::CastToBFloat16(context_->memory->weights() + range.begin, copy + range.begin, range.count);
  }
}

void ParameterAllGather::CastOwnShards() {
  const ExchangePlan& plan = *context_->plan;
  context_->for_each(plan.buckets(), [&](int64_t bucket) { Cast(plan.ShardOf(static_cast<int>(bucket), context_->worker())); });
}

Status ParameterAllGather::ExchangeBetweenNodes() {
  const ExchangePlan& plan = *context_->plan;
  const auto buffer = [&](ElementRange shard) {
    return Buffer{context_->memory->weights() + shard.begin, static_cast<size_t>(shard.count), ElementType::kFloat32};
  };
  MessageBatch messages(context_);
  for (int bucket = 0; bucket < plan.buckets(); ++bucket) {
    for (int owner : proxied_) {
      const ElementRange shard = plan.ShardOf(bucket, owner);
      if (shard.count > 0) DEIT_RETURN_IF_ERROR(messages.Receive(buffer(shard), owner, WeightTag(bucket), owner));
    }
  }
  for (int bucket = 0; bucket < plan.buckets(); ++bucket) {
    const ElementRange shard = plan.ShardOf(bucket, context_->worker());
    for (int node = 0; node < plan.topology().nodes() && shard.count > 0; ++node) {
      if (node == context_->node()) continue;
      DEIT_RETURN_IF_ERROR(messages.Send(buffer(shard), plan.ProxyOf(context_->worker(), node), WeightTag(bucket)));
    }
  }
  bytes_sent_ += messages.bytes_sent();
  DEIT_RETURN_IF_ERROR(messages.Finish("its part of the weights"));
  for (int bucket = 0; bucket < plan.buckets(); ++bucket) {
    for (int owner : proxied_) Cast(plan.ShardOf(bucket, owner));
  }
  return absl::OkStatus();
}

}  // namespace deit::exchange
