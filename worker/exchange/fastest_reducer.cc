#include <algorithm>
#include <utility>
#include <vector>

#include "worker/exchange/reducer.h"

namespace deit::exchange {
namespace {

using collective::Buffer;
using collective::ElementType;

class FastestReducer final : public Reducer {
 public:
  explicit FastestReducer(Context* context) : context_(context), plan_(*context->plan) {
    size_t largest = 0;
    for (int bucket = 0; bucket < plan_.buckets(); ++bucket) {
      reduced_offset_.push_back(largest);
      largest += (static_cast<size_t>(plan_.ShardOf(bucket, context->worker()).count) + 15) / 16 * 16;
    }
    reduced_.resize(largest);
  }

  Status BeginStep() override {
    started_ = 0;
    running_.clear();
    return absl::OkStatus();
  }

  Status SetBucketsReady(int count) override {
    for (; started_ < count; ++started_) DEIT_RETURN_IF_ERROR(Start(started_));
    return Poll();
  }

  Status Poll() override { return collective::AllDone(running_).status(); }

  Status Finish(absl::FunctionRef<bool()> given_up) override {
    uint64_t rounds = 0;
    const auto done = [&] { return collective::AllDone(running_); };
    DEIT_RETURN_IF_ERROR(collective::WaitUntil([&] { return ReadyOr(given_up, &rounds, done); }, context_->deadline,
                                               [&] {
                                                 return collective::WaitDescription{absl::StrCat("the reduction of the gradients of step ",
                                                                                                 context_->step, " did not finish"),
                                                                                    context_->ReportOfLast()};
                                               }));
    DEIT_ASSIGN_OR_RETURN(const bool all, done());
    if (!all) return absl::OkStatus();
    running_.clear();
    float* const slot = context_->memory->slot(context_->member(), 0);
    for (int bucket = 0; bucket < plan_.buckets(); ++bucket) {
      const ElementRange shard = plan_.ShardOf(bucket, context_->worker());
      std::copy_n(reduced_.data() + reduced_offset_[static_cast<size_t>(bucket)], shard.count, slot + shard.begin);
    }
    return absl::OkStatus();
  }

 private:
  Status Start(int bucket) {
    std::vector<size_t> counts;
    int64_t begin = -1, total = 0;
    for (int w = 0; w < plan_.topology().workers(); ++w) {
      const ElementRange shard = plan_.ShardOf(bucket, w);
      if (begin < 0 && shard.count > 0) begin = shard.begin;
      counts.push_back(static_cast<size_t>(shard.count));
      total += shard.count;
    }
    if (total == 0) return absl::OkStatus();
    const size_t own = counts[static_cast<size_t>(context_->worker())];
    Buffer input{context_->memory->slot(context_->member(), 0) + begin, static_cast<size_t>(total), ElementType::kFloat32};
    Buffer output{reduced_.data() + reduced_offset_[static_cast<size_t>(bucket)], own, ElementType::kFloat32};
    DEIT_ASSIGN_OR_RETURN(auto transfer, context_->reduction->ReduceScatter(input, counts, output));
    running_.push_back(std::move(transfer));
    bytes_sent_ += (total - static_cast<int64_t>(own)) * static_cast<int64_t>(sizeof(float));
    return absl::OkStatus();
  }

  Context* context_;
  const ExchangePlan& plan_;
  std::vector<float> reduced_;
  std::vector<size_t> reduced_offset_;
  std::vector<std::unique_ptr<collective::Transfer>> running_;
  int started_ = 0;
};

}  // namespace

std::unique_ptr<Reducer> NewFastestReducer(Context* context) { return std::make_unique<FastestReducer>(context); }

}  // namespace deit::exchange
