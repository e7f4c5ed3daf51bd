#include "worker/models/convolutional.h"

#include <string>
#include <utility>

#include <ATen/ATen.h>

#include "worker/models/network_tensors.h"

namespace deit::models {
namespace {

using nets::Op;
using nets::Step;

// A batch norm's tensors, from its first on.
enum NormTensor : size_t { kScale, kShift, kRunningMean, kRunningVar };

class Convolutional final : public Model {
 public:
  Convolutional(nets::Network network, at::ScalarType compute)
      : compute_(compute), precise_(at::promoteTypes(compute, at::kFloat)), network_(std::move(network)), list_(ListTensors(network_)) {
    last_reader_.assign(network_.size(), -1);
    for (size_t s = 0; s < network_.size(); ++s) {
      for (const int source : {network_[s].input, network_[s].other}) {
        if (source != nets::kImage) last_reader_[static_cast<size_t>(source)] = static_cast<int>(s);
      }
    }
  }

  const std::vector<TensorSpec>& tensors() const override { return list_.tensors; }

  Outputs Forward(const std::vector<at::Tensor>& values, const std::vector<at::Tensor>& statistics, const at::Tensor& images,
                  const ForwardContext& context) const override {
    DEIT_CHECK(values.size() == list_.tensors.size(), "values=", values.size());
    DEIT_CHECK(!context.training || statistics.size() == list_.tensors.size(), "statistics=", statistics.size());
    const at::Tensor pixels = images.to(compute_).contiguous(at::MemoryFormat::ChannelsLast);
    std::vector<at::Tensor> results(network_.size());
    for (size_t s = 0; s < network_.size(); ++s) {
      const Step& step = network_[s];
      const at::Tensor& x = step.input == nets::kImage ? pixels : results[static_cast<size_t>(step.input)];
      const at::Tensor* const weights = values.data() + list_.first[s];
      if (step.op == Op::kBatchNorm) {
        results[s] = context.training ? NormByOwn(x, weights, statistics.data() + list_.first[s]) : NormByRunning(x, weights);
      } else {
        const at::Tensor other = step.other == nets::kImage ? at::Tensor() : results[static_cast<size_t>(step.other)];
        results[s] = Apply(step, x, other, weights, IsLastReader(s, step.input), context.training);
      }
      for (const int source : {step.input, step.other}) {  // memory goes with the last reader, unless autograd keeps it
        if (IsLastReader(s, source)) results[static_cast<size_t>(source)].reset();
      }
    }
    return {results.back().to(precise_), at::Tensor()};
  }

 private:
  bool IsLastReader(size_t step, int source) const {
    return source != nets::kImage && last_reader_[static_cast<size_t>(source)] == static_cast<int>(step);
  }

  // By this micro-batch's mean and variance, in fp32. With momentum 1 the "running" values become that mean and the unbiased variance.
  at::Tensor NormByOwn(const at::Tensor& x, const at::Tensor* weights, const at::Tensor* statistics) const {
    const at::Tensor mean = statistics[kRunningMean].zero_();
    const at::Tensor variance = statistics[kRunningVar].zero_();
    return at::batch_norm(x.to(precise_), weights[kScale], weights[kShift], mean, variance, true, 1.0, nets::kBatchNormEps, false);
  }

  static at::Tensor NormByRunning(const at::Tensor& x, const at::Tensor* weights) {
    return at::batch_norm(x, weights[kScale], weights[kShift], weights[kRunningMean], weights[kRunningVar], false, 0.0, nets::kBatchNormEps,
                          false);
  }

  // `last`: nobody else reads x. No operation before an activation or a sum needs its own result for its gradient.
  at::Tensor Apply(const Step& step, const at::Tensor& x, const at::Tensor& other, const at::Tensor* weights, bool last,
                   bool training) const {
    at::Tensor shared = x;
    switch (step.op) {
      case Op::kConvolution: {
        const at::Tensor bias = step.has_bias ? weights[1] : at::Tensor();
        return at::conv2d(x.to(compute_), weights[0], bias, step.stride, step.kernel / 2, 1, step.groups);
      }
      case Op::kLinear: return at::linear(x.flatten(1).to(compute_), weights[0], weights[1]);
      case Op::kRelu: return (last ? shared.relu_() : at::relu(x)).to(compute_);
      case Op::kSilu: return (last && !training ? at::silu_(shared) : at::silu(x)).to(compute_);
      case Op::kMaxPool: return at::max_pool2d(x, 3, 2, 1);
      case Op::kMeanPool: return x.to(precise_).mean({2, 3}, /*keepdim=*/true).to(compute_);
      case Op::kGate: return at::mul(x, other.sigmoid());
      case Op::kAdd: return last ? shared.add_(other) : at::add(x, other);
      case Op::kBatchNorm: break;
    }
    DEIT_CHECK(false, "step ", step.name);
    return at::Tensor();
  }

  const at::ScalarType compute_;
  const at::ScalarType precise_;  // of what must not be rounded to bf16
  const nets::Network network_;
  const NetworkTensors list_;
  std::vector<int> last_reader_;  // by step; -1: the logits
};

}  // namespace

std::unique_ptr<Model> NewConvolutional(nets::Network network, at::ScalarType compute) {
  return std::make_unique<Convolutional>(std::move(network), compute);
}

}  // namespace deit::models
