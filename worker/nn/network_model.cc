#include "worker/nn/network_model.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include <ATen/ops/add.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/result_type.h>
#include <ATen/ops/silu.h>

#include "common/models/network_tensors.h"
#include "worker/nn/sequences.h"

namespace deit::nn {
namespace {

using models::Op;
using models::Step;

// A batch norm's tensors, from its first on.
enum NormTensor : size_t { kScale, kShift, kRunningMean, kRunningVar };

class NetworkModel final : public Model {
 public:
  NetworkModel(models::Network network, at::ScalarType compute, int64_t images_per_pass)
      : images_per_pass_(images_per_pass), compute_(compute), precise_(at::promoteTypes(compute, at::kFloat)), network_(std::move(network)),
        list_(models::ListTensors(network_)) {
    last_reader_.assign(network_.size(), -1);
    for (size_t s = 0; s < network_.size(); ++s) {
      for (const int source : {network_[s].input, network_[s].other}) {
        if (source != models::kImage) last_reader_[static_cast<size_t>(source)] = static_cast<int>(s);
      }
      if (network_[s].training_only) distillation_ = s;
    }
  }

  const std::vector<models::TensorSpec>& tensors() const override { return list_.tensors; }
  int64_t images_per_pass() const override { return images_per_pass_; }

  Outputs Forward(const std::vector<at::Tensor>& values, const std::vector<at::Tensor>& statistics, const at::Tensor& images,
                  const ForwardContext& context) const override {
    const int64_t count = images.size(0);
    if (context.training || count <= images_per_pass_) return Run(values, statistics, images, context);
    std::vector<at::Tensor> parts;
    for (int64_t first = 0; first < count; first += images_per_pass_) {
      parts.push_back(Run(values, statistics, images.narrow(0, first, std::min(images_per_pass_, count - first)), context).head);
    }
    return {at::cat(parts), at::Tensor()};
  }

 private:
  Outputs Run(const std::vector<at::Tensor>& values, const std::vector<at::Tensor>& statistics, const at::Tensor& images,
              const ForwardContext& context) const {
    DEIT_CHECK(values.size() == list_.tensors.size(), "values=", values.size());
    DEIT_CHECK(!context.training || statistics.size() == list_.tensors.size(), "statistics=", statistics.size());
    const at::Tensor pixels = images.to(precise_).contiguous(at::MemoryFormat::ChannelsLast);
    std::vector<at::Tensor> results(network_.size());
    for (size_t s = 0; s < network_.size(); ++s) {
      const Step& step = network_[s];
      const at::Tensor& x = step.input == models::kImage ? pixels : results[static_cast<size_t>(step.input)];
      const at::Tensor* const weights = values.data() + list_.first[s];
      if (step.training_only && !context.training) {
        results[s] = x;
      } else if (step.op == Op::kBatchNorm) {
        results[s] = context.training ? NormByOwn(x, weights, statistics.data() + list_.first[s]) : NormByRunning(x, weights);
      } else {
        const at::Tensor other = step.other == models::kImage ? at::Tensor() : results[static_cast<size_t>(step.other)];
        results[s] = Apply(step, x, other, weights, IsLastReader(s, step.input), context.training);
      }
      for (const int source : {step.input, step.other}) {  // memory goes with the last reader, unless autograd keeps it
        if (IsLastReader(s, source)) results[static_cast<size_t>(source)].reset();
      }
      if (context.block_done) context.block_done();
    }
    const bool distils = context.training && distillation_ < network_.size();
    return {results.back().to(precise_), distils ? results[distillation_].to(precise_) : at::Tensor()};
  }

  bool IsLastReader(size_t step, int source) const {
    return source != models::kImage && last_reader_[static_cast<size_t>(source)] == static_cast<int>(step);
  }

  // By this micro-batch's mean and variance, in fp32. With momentum 1 the "running" values become that mean and the unbiased variance.
  at::Tensor NormByOwn(const at::Tensor& x, const at::Tensor* weights, const at::Tensor* statistics) const {
    const at::Tensor mean = statistics[kRunningMean].zero_();
    const at::Tensor variance = statistics[kRunningVar].zero_();
    return at::batch_norm(x.to(precise_), weights[kScale], weights[kShift], mean, variance, true, 1.0, models::kBatchNormEps, false);
  }

  static at::Tensor NormByRunning(const at::Tensor& x, const at::Tensor* weights) {
    return at::batch_norm(x, weights[kScale], weights[kShift], weights[kRunningMean], weights[kRunningVar], false, 0.0,
                          models::kBatchNormEps, false);
  }

  // `last`: x has no other reader. No operation before an activation or a sum (as its input) needs its own result for its gradient.
  at::Tensor Apply(const Step& step, const at::Tensor& x, const at::Tensor& other, const at::Tensor* weights, bool last,
                   bool training) const {
    at::Tensor shared = x;
    switch (step.op) {
      case Op::kConvolution: {
        const at::Tensor bias = step.has_bias ? weights[1] : at::Tensor();
        return at::conv2d(x.to(compute_), weights[0], bias, step.stride, step.kernel / 2, 1, step.groups);
      }
      case Op::kLinear: {
        const at::Tensor rows = step.tokens > 0 ? x : x.flatten(1);
        return at::linear(rows.to(compute_), weights[0], step.has_bias ? weights[1] : at::Tensor());
      }
      case Op::kRelu: return (last ? shared.relu_() : at::relu(x)).to(compute_);
      case Op::kSilu: return (last && !training ? at::silu_(shared) : at::silu(x)).to(compute_);
      case Op::kMaxPool: return at::max_pool2d(x, 3, 2, 1);
      case Op::kMeanPool: return x.to(precise_).mean({2, 3}, /*keepdim=*/true).to(compute_);
      case Op::kGate: return at::mul(x, other.sigmoid());
      case Op::kAdd: return last && at::result_type(x, other) == x.scalar_type() ? shared.add_(other) : at::add(x, other);
      case Op::kBatchNorm: break;
      default: return ApplyToSequence(step, x, weights);
    }
    DEIT_CHECK(false, "step ", step.name);
    return at::Tensor();
  }

  // Tokens that are added to, and what norms make of them, are not rounded to bf16.
  at::Tensor ApplyToSequence(const Step& step, const at::Tensor& x, const at::Tensor* weights) const {
    switch (step.op) {
      case Op::kPatches: return Patches(x, step.kernel);
      case Op::kUnfold: return Unfold(x, step.kernel, step.stride);
      case Op::kGrid: return Grid(x);
      case Op::kLayerNorm: return at::layer_norm(x.to(precise_), {step.outputs}, weights[0], weights[1], models::kLayerNormEps);
      case Op::kGelu: return at::gelu(x);
      case Op::kPrepend: return Prepend(weights[0], x.to(precise_));
      case Op::kAppend: return Append(x, weights[0]);
      case Op::kPositions: return AddPositions(x, weights[0]);
      case Op::kFirst: return x.select(1, 0);
      case Op::kLast: return x.select(1, -1);
      case Op::kAttention: return Attention(x, step.heads);
      case Op::kNystromAttention: return NystromAttention(x, step.heads, step.landmarks, weights[0]);
      default: break;
    }
    DEIT_CHECK(false, "step ", step.name);
    return at::Tensor();
  }

  const int64_t images_per_pass_;
  const at::ScalarType compute_;
  const at::ScalarType precise_;  // of what must not be rounded to bf16
  const models::Network network_;
  const models::NetworkTensors list_;
  std::vector<int> last_reader_;    // by step; -1: logits
  size_t distillation_ = SIZE_MAX;  // the step with the logits of distillation
};

}  // namespace

std::unique_ptr<Model> NewNetworkModel(models::Network network, at::ScalarType compute, int64_t images_per_pass) {
  return std::make_unique<NetworkModel>(std::move(network), compute, images_per_pass);
}

}  // namespace deit::nn
