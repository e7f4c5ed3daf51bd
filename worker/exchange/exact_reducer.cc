#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "worker/exchange/reducer.h"
#include "worker/exchange/tree_sum.h"

namespace deit::exchange {
namespace {

using collective::Buffer;
using collective::ElementType;
using collective::Transfer;
using Transfers = std::vector<std::unique_ptr<Transfer>>;

class ExactReducer final : public Reducer {
 public:
  explicit ExactReducer(Context* context)
      : context_(context), plan_(*context->plan), memory_(*context->memory), arrivals_(static_cast<size_t>(plan_.buckets())) {
    DEIT_CHECK(plan_.AccumulationOf(context->worker()).sums[0].slot == 0);  // a world of one finds its root where others write theirs
    const Topology& topology = plan_.topology();
    for (int owner = 0; owner < topology.workers(); ++owner) {
      const bool remote = topology.node_of[static_cast<size_t>(owner)] != context->node();
      if (remote && plan_.ProxyOf(owner, context->node()) == context->worker()) proxied_.push_back(owner);
    }
    LayOutStaging();
  }

  Status BeginStep() override {
    first_bucket_ = steps_++ * static_cast<uint64_t>(plan_.buckets());
    next_proxied_ = next_own_ = 0;
    DEIT_CHECK(sends_.empty());
    const auto& remote = plan_.RemoteInputs(context_->node());
    for (int bucket = 0; bucket < plan_.buckets(); ++bucket) {
      Transfers& arrivals = arrivals_[static_cast<size_t>(bucket)];
      arrivals.clear();
      const ElementRange shard = plan_.ShardOf(bucket, context_->worker());
      if (shard.count == 0) continue;
      for (size_t k = 0; k < remote.size(); ++k) {
        const Buffer buffer{Arrival(bucket, k), static_cast<size_t>(shard.count), ElementType::kFloat32};
        DEIT_ASSIGN_OR_RETURN(auto transfer, context_->world->Receive(buffer, plan_.ProxyOf(context_->worker(), remote[k].node),
                                                                      GradientTag(bucket, remote[k].output)));
        arrivals.push_back(std::move(transfer));
      }
    }
    return absl::OkStatus();
  }

  Status SetBucketsReady(int count) override {
    memory_.flags().Set(context_->member(), kBucketsReady, first_bucket_ + static_cast<uint64_t>(count));
    return Poll();
  }

  Status Poll() override {
    while (next_proxied_ < plan_.buckets() && !proxied_.empty() && NodeReady(next_proxied_)) {
      for (int owner : proxied_) DEIT_RETURN_IF_ERROR(SendNodeSums(next_proxied_, owner));
      ++next_proxied_;
    }
    while (next_own_ < plan_.buckets() && NodeReady(next_own_)) {
      DEIT_ASSIGN_OR_RETURN(const bool arrived, collective::AllDone(arrivals_[static_cast<size_t>(next_own_)]));
      if (!arrived) break;
      ReduceOwn(next_own_++);
      context_->AddPiece();
    }
    return absl::OkStatus();
  }

  Status Finish(absl::FunctionRef<bool()> given_up) override {
    uint64_t rounds = 0;
    const auto done = [&]() -> StatusOr<bool> {
      DEIT_RETURN_IF_ERROR(Poll());
      DEIT_ASSIGN_OR_RETURN(const bool sent, collective::AllDone(sends_));
      return sent && next_own_ == plan_.buckets() && (proxied_.empty() || next_proxied_ == plan_.buckets());
    };
    DEIT_RETURN_IF_ERROR(
        collective::WaitUntil([&] { return ReadyOr(given_up, &rounds, done); }, context_->deadline, [&] { return Missing(); }));
    DEIT_ASSIGN_OR_RETURN(const bool all, done());
    if (all) sends_.clear();
    return absl::OkStatus();
  }

 private:
  // Location of arriving sums and of this node's outgoing sums: own shards and proxied shards of all buckets, packed.
  void LayOutStaging() {
    const size_t remote = plan_.RemoteInputs(context_->node()).size();
    const size_t outputs = plan_.NodeProgram(context_->node()).outputs.size();
    for (int bucket = 0; bucket < plan_.buckets(); ++bucket) {
      arrival_offset_.push_back(staging_.size());
      staging_.resize(staging_.size() + remote * PaddedPart(bucket, context_->worker()));
    }
    for (int owner : proxied_) {
      for (int bucket = 0; bucket < plan_.buckets(); ++bucket) {
        departure_offset_[{bucket, owner}] = staging_.size();
        if (!plan_.NodeProgram(context_->node()).adds.empty()) staging_.resize(staging_.size() + outputs * PaddedPart(bucket, owner));
      }
    }
  }

  size_t PaddedPart(int bucket, int owner) const { return (static_cast<size_t>(plan_.ShardOf(bucket, owner).count) + 15) / 16 * 16; }
  float* Arrival(int bucket, size_t k) {
    return staging_.data() + arrival_offset_[static_cast<size_t>(bucket)] + k * PaddedPart(bucket, context_->worker());
  }

  bool NodeReady(int bucket) const { return context_->FirstBelow(kBucketsReady, first_bucket_ + static_cast<uint64_t>(bucket) + 1) < 0; }

  // The node's slot sums at `range`; counts what is read from others.
  std::vector<const float*> NodeSums(ElementRange range) {
    std::vector<const float*> sums;
    for (const SlotSum& sum : plan_.NodeInputs(context_->node())) {
      const int member = plan_.topology().index_of[static_cast<size_t>(sum.worker)];
      sums.push_back(memory_.slot(member, sum.slot) + range.begin);
      if (sum.worker != context_->worker()) bytes_sent_ += range.count * static_cast<int64_t>(sizeof(float));
    }
    return sums;
  }

  Status SendNodeSums(int bucket, int owner) {
    const ElementRange shard = plan_.ShardOf(bucket, owner);
    if (shard.count == 0) return absl::OkStatus();
    const plan::TreeProgram& program = plan_.NodeProgram(context_->node());
    const std::vector<const float*> inputs = NodeSums(shard);
    std::vector<float*> outputs;
    float* departure = staging_.data() + departure_offset_[{bucket, owner}];
    for (size_t k = 0; k < program.outputs.size(); ++k) outputs.push_back(departure + k * PaddedPart(bucket, owner));
    RunTreeProgram(program, inputs, outputs, shard.count);
    for (size_t k = 0; k < program.outputs.size(); ++k) {
      const int reg = program.outputs[k].reg;
      float* data =
          reg < program.inputs ? const_cast<float*>(inputs[static_cast<size_t>(reg)]) : outputs[k];  // Buffer serves both directions
      const Buffer buffer{data, static_cast<size_t>(shard.count), ElementType::kFloat32};
      DEIT_ASSIGN_OR_RETURN(auto transfer, context_->world->Send(buffer, owner, GradientTag(bucket, static_cast<int>(k))));
      sends_.push_back(std::move(transfer));
      bytes_sent_ += static_cast<int64_t>(buffer.bytes());
    }
    return absl::OkStatus();
  }

  void ReduceOwn(int bucket) {
    const ElementRange shard = plan_.ShardOf(bucket, context_->worker());
    if (shard.count == 0) return;
    std::vector<const float*> inputs = NodeSums(shard);
    for (size_t k = 0; k < plan_.RemoteInputs(context_->node()).size(); ++k) inputs.push_back(Arrival(bucket, k));
    float* const root = memory_.slot(context_->member(), 0) + shard.begin;  // no other worker reads this worker's shard of its own slots
    RunTreeProgram(plan_.RootProgram(context_->node()), inputs, {&root, 1}, shard.count);
  }

  collective::WaitDescription Missing() const {
    for (int bucket = 0; bucket < plan_.buckets(); ++bucket) {
      const int late = context_->FirstBelow(kBucketsReady, first_bucket_ + static_cast<uint64_t>(bucket) + 1);
      if (late >= 0)
        return {absl::StrCat("worker ", late, " did not finish gradient bucket ", bucket, " of step ", context_->step),
                context_->LastReport(late)};
      const auto& remote = plan_.RemoteInputs(context_->node());
      for (size_t k = 0; k < arrivals_[static_cast<size_t>(bucket)].size(); ++k) {
        const auto done = arrivals_[static_cast<size_t>(bucket)][k]->Test();
        if (done.ok() && *done) continue;
        const int sender = plan_.ProxyOf(context_->worker(), remote[k].node);
        return {absl::StrCat("worker ", sender, " did not deliver gradient bucket ", bucket, " of step ", context_->step),
                context_->LastReport(sender)};
      }
    }
    return {absl::StrCat("a peer did not take the gradients of step ", context_->step), ""};
  }

  Context* context_;
  const ExchangePlan& plan_;
  NodeBuffers& memory_;
  std::vector<int> proxied_;  // owners on other nodes for whom this worker adds and sends
  std::vector<float> staging_;
  std::vector<size_t> arrival_offset_;
  std::map<std::pair<int, int>, size_t> departure_offset_;  // by (bucket, owner)
  std::vector<Transfers> arrivals_;                         // by bucket
  Transfers sends_;
  uint64_t steps_ = 0, first_bucket_ = 0;  // kBucketsReady counts buckets over all steps
  int next_proxied_ = 0, next_own_ = 0;
};

}  // namespace

std::unique_ptr<Reducer> NewExactReducer(Context* context) { return std::make_unique<ExactReducer>(context); }

}  // namespace deit::exchange
