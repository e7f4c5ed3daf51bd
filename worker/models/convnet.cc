#include "worker/models/convnet.h"

#include <cmath>
#include <string>
#include <utility>

#include <ATen/ATen.h>

namespace deit::models {
namespace {

constexpr double kBatchNormEps = 1e-5;
enum ConvTensor : size_t { kConvWeight, kBnWeight, kBnBias, kRunningMean, kRunningVar, kBatchesTracked, kConvTensors };

void AddConvolution(std::vector<TensorSpec>& tensors, const std::string& name, int64_t inputs, int64_t outputs) {
  const double fan_out = static_cast<double>(outputs * 9);
  tensors.push_back({.name = name + ".conv.weight",
                     .shape = {outputs, inputs, 3, 3},
                     .init = Init::kNormal,
                     .scale = std::sqrt(2 / fan_out),
                     .decay = true,
                     .compute_precision = true});
  tensors.push_back({.name = name + ".bn.weight", .shape = {outputs}, .init = Init::kOnes});
  tensors.push_back({.name = name + ".bn.bias", .shape = {outputs}});
  tensors.push_back({.name = name + ".bn.running_mean", .shape = {outputs}, .role = TensorRole::kRunningMean});
  tensors.push_back({.name = name + ".bn.running_var", .shape = {outputs}, .role = TensorRole::kRunningVar, .init = Init::kOnes});
  tensors.push_back({.name = name + ".bn.num_batches_tracked", .shape = {}, .role = TensorRole::kBatchesTracked});
}

class ConvNet final : public Model {
 public:
  ConvNet(const ConvNetSizes& sizes, at::ScalarType compute) : compute_(compute) {
    int64_t inputs = sizes.channels;
    for (size_t stage = 0; stage < sizes.widths.size(); ++stage) {
      const int64_t width = sizes.widths[stage];
      for (int64_t index = 0; index < (stage == 0 ? 1 : 2); ++index) {
        strides_.push_back(stage > 0 && index == 0 ? 2 : 1);
        AddConvolution(tensors_, "stages." + std::to_string(stage) + "." + std::to_string(index), inputs, width);
        inputs = width;
      }
    }
    tensors_.push_back({.name = "head.fc.weight",
                        .shape = {sizes.classes, inputs},
                        .init = Init::kNormal,
                        .scale = 0.01,
                        .decay = true,
                        .compute_precision = true});
    tensors_.push_back({.name = "head.fc.bias", .shape = {sizes.classes}, .compute_precision = true});
  }

  const std::vector<TensorSpec>& tensors() const override { return tensors_; }

  Outputs Forward(const std::vector<at::Tensor>& values, const std::vector<at::Tensor>& statistics, const at::Tensor& images,
                  const ForwardContext& context) const override {
    DEIT_CHECK(values.size() == tensors_.size(), "values=", values.size());
    DEIT_CHECK(!context.training || statistics.size() == tensors_.size(), "statistics=", statistics.size());
    at::Tensor x = images.to(compute_).contiguous(at::MemoryFormat::ChannelsLast);
    size_t first = 0;
    for (const int64_t stride : strides_) {
      const at::Tensor* const w = values.data() + first;
      x = at::conv2d(x, w[kConvWeight], {}, stride, /*padding=*/1).to(at::kFloat);
      if (context.training) {
        // With momentum 1 the "running" values become this micro-batch's mean and unbiased variance.
        const at::Tensor mean = statistics[first + kRunningMean].zero_();
        const at::Tensor variance = statistics[first + kRunningVar].zero_();
        x = at::batch_norm(x, w[kBnWeight], w[kBnBias], mean, variance, true, 1.0, kBatchNormEps, false);
      } else {
        x = at::batch_norm(x, w[kBnWeight], w[kBnBias], w[kRunningMean], w[kRunningVar], false, 0.0, kBatchNormEps, false);
      }
      x = at::relu_(x).to(compute_);
      first += kConvTensors;
    }
    const at::Tensor pooled = x.to(at::kFloat).mean({2, 3}).to(compute_);
    return {at::linear(pooled, values[first], values[first + 1]).to(at::kFloat), at::Tensor()};
  }

 private:
  const at::ScalarType compute_;
  std::vector<TensorSpec> tensors_;
  std::vector<int64_t> strides_;  // of each convolution
};

}  // namespace

std::unique_ptr<Model> NewConvNet(const ConvNetSizes& sizes, at::ScalarType compute) { return std::make_unique<ConvNet>(sizes, compute); }

}  // namespace deit::models
