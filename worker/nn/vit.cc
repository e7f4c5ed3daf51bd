#include "worker/nn/vit.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/plan/philox.h"
#include "worker/kernels/dropout.h"
#include "worker/kernels/transformer_kernels.h"
#include "worker/nn/tensor_access.h"
#include "worker/nn/transformer_block.h"

namespace deit::nn {
namespace {

class Transformer final : public Model {
 public:
  Transformer(const models::TransformerSizes& sizes, at::ScalarType compute, int64_t images_per_pass)
      : sizes_(sizes), compute_(compute), images_per_pass_(images_per_pass), list_(models::ListTensors(sizes)), patches_(sizes.patches()),
        prefix_(sizes.prefix()), saved_(static_cast<size_t>(sizes.depth)) {}

  const std::vector<models::TensorSpec>& tensors() const override { return list_.tensors; }
  int64_t images_per_pass() const override { return images_per_pass_; }
  int64_t token_layers() const override { return sizes_.depth + 1; }

  Outputs Forward(const std::vector<at::Tensor>& values, const std::vector<at::Tensor>& statistics, const at::Tensor& images,
                  const ForwardContext& context) const override;

 private:
  friend class TransformerFunction;

  // What the backward pass must know of the forward pass, besides the content of the arenas.
  struct Pass final : torch::CustomClassHolder {
    std::vector<at::Tensor> values;
    std::vector<float> scales;        // [depth][2][images]
    std::vector<uint64_t> positions;  // of dropout; empty in evaluation
    uint64_t seed = 0;
    std::vector<at::Tensor> block_inputs;  // fp32 [images * tokens, width]
    GradientSink* sink = nullptr;
    const std::function<void(int64_t, const at::Tensor&)>* observe = nullptr;  // of ForwardContext; null: no observer
    const std::function<void()>* block_done = nullptr;                         // the same
    int64_t images = 0;

    BranchScales ScalesOf(int64_t block) const {
      const float* const first = scales.data() + block * 2 * images;
      return {first, first + images};
    }
  };

  enum Slot : size_t {
    kPatches,
    kEmbedded,
    kTokens,
    kNormed,
    kMean,
    kRstd,
    kGradTokens,
    kGradPatches,
    kGradFirst,
    kGradSecond,
    kPartial,
    kWeightGradient,
    kVectorGradient,
    kGradHead
  };

  BlockShape ShapeOf(int64_t block, int64_t images) const {
    const int64_t tokens = patches_ + prefix_;
    const int64_t queries = block + 1 == sizes_.depth ? prefix_ : tokens;  // only the prefix tokens reach a head
    return {images, tokens, queries, sizes_.width, sizes_.heads, sizes_.hidden, compute_};
  }
  // Layer 0 of dropout is the embedding's.
  BlockNoise NoiseOf(const Pass& pass, int64_t block) const {
    const double rate = pass.positions.empty() ? 0 : sizes_.proj_drop;
    return {pass.ScalesOf(block), {rate, pass.seed, pass.positions.data(), static_cast<uint32_t>(1 + 3 * block)}};
  }
  static const at::Tensor& Value(const Pass& pass, int place) { return pass.values[static_cast<size_t>(place)]; }
  at::Tensor Memory(Slot slot, at::IntArrayRef shape, at::ScalarType type) const { return memory_.Get(slot, shape, type); }

  Outputs Evaluate(Pass& pass, const at::Tensor& images) const;
  std::vector<float> DrawScales(int64_t images, const ForwardContext& context) const;
  // Logits of each head in the compute precision's values, as fp32 tensors of their own. Keeps what Backward needs in memory_ and saved_.
  std::vector<at::Tensor> Run(Pass& pass, const at::Tensor& images, bool training) const;
  at::Tensor Embed(const Pass& pass, const at::Tensor& images) const;
  void Show(const Pass& pass, int64_t layer, const at::Tensor& x) const;
  std::vector<at::Tensor> ApplyHeads(const Pass& pass, const at::Tensor& x) const;

  void Backward(const Pass& pass, const std::vector<at::Tensor>& grad_logits) const;
  void HeadsBackward(const Pass& pass, const std::vector<at::Tensor>& grad_logits, const at::Tensor& grad_normed) const;
  void NormBackward(const Pass& pass, const at::Tensor& grad_normed, const at::Tensor& dx) const;
  void EmbedBackward(const Pass& pass, const at::Tensor& dx) const;
  float* Partial(int64_t rows, int64_t columns) const;
  at::Tensor ColumnSums(int64_t rows, int64_t columns) const;

  const models::TransformerSizes sizes_;
  // Dropout of the embedding, or of its gradient; in place.
  void DropTokens(const Pass& pass, const at::Tensor& tokens) const;

  const at::ScalarType compute_;
  const int64_t images_per_pass_;
  const models::TransformerTensors list_;
  const int64_t patches_;
  const int64_t prefix_;
  // Reused from step to step; see Model about threads.
  mutable ScratchArena memory_;
  mutable ScratchArena scratch_;
  mutable ScratchArena evaluation_;
  mutable std::vector<ScratchArena> saved_;  // of each block
};

// The whole model as one node: logits out, gradients through the sink. Its only input for autograd is an empty anchor that makes the logits
// require gradients.
class TransformerFunction final : public torch::autograd::Function<TransformerFunction> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, const at::Tensor& /*anchor*/,
                                                const Transformer* model, const c10::intrusive_ptr<Transformer::Pass>& pass,
                                                const at::Tensor* images) {
    const at::AutoDispatchBelowAutograd below;
    context->saved_data["model"] = reinterpret_cast<int64_t>(model);
    context->saved_data["pass"] = c10::IValue::make_capsule(pass);
    return model->Run(*pass, *images, true);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const at::AutoDispatchBelowAutograd below;
    const auto pass = c10::static_intrusive_pointer_cast<Transformer::Pass>(context->saved_data["pass"].toCapsule());
    reinterpret_cast<const Transformer*>(context->saved_data["model"].toInt())->Backward(*pass, gradients);
    return torch::autograd::variable_list(4);  // of forward's arguments
  }
};

Outputs OutputsOf(const std::vector<at::Tensor>& logits) { return {logits[0], logits.size() > 1 ? logits[1] : at::Tensor()}; }

Outputs Transformer::Forward(const std::vector<at::Tensor>& values, const std::vector<at::Tensor>&, const at::Tensor& images,
                             const ForwardContext& context) const {
  DEIT_CHECK(values.size() == list_.tensors.size(), "values=", values.size());
  const auto pass = c10::make_intrusive<Pass>();
  pass->values = values;
  pass->sink = context.sink;
  pass->block_done = context.block_done ? &context.block_done : nullptr;
  if (!context.training) {
    pass->observe = context.observe ? &context.observe : nullptr;
    return Evaluate(*pass, images);
  }
  DEIT_CHECK(context.sink != nullptr);
  pass->images = images.size(0);
  pass->scales = DrawScales(pass->images, context);
  if (sizes_.pos_drop > 0 || sizes_.proj_drop > 0) {
    DEIT_CHECK(context.positions != nullptr);
    pass->positions.assign(context.positions, context.positions + pass->images);
    pass->seed = context.seed;
  }
  const at::Tensor anchor = at::empty({0}).set_requires_grad(true);
  return OutputsOf(TransformerFunction::apply(anchor, this, pass, &images));
}

Outputs Transformer::Evaluate(Pass& pass, const at::Tensor& images) const {
  const at::AutoDispatchBelowAutograd below;
  std::vector<std::vector<at::Tensor>> parts(static_cast<size_t>(prefix_));
  for (int64_t first = 0; first < images.size(0); first += images_per_pass_) {
    pass.images = std::min(images_per_pass_, images.size(0) - first);
    pass.scales = DrawScales(pass.images, {});
    const std::vector<at::Tensor> logits = Run(pass, images.narrow(0, first, pass.images), false);
    for (size_t head = 0; head < logits.size(); ++head) parts[head].push_back(logits[head]);
  }
  std::vector<at::Tensor> joined;
  for (const std::vector<at::Tensor>& part : parts) joined.push_back(part.size() == 1 ? part[0] : at::cat(part));
  return OutputsOf(joined);
}

std::vector<float> Transformer::DrawScales(int64_t images, const ForwardContext& context) const {
  std::vector<float> scales(static_cast<size_t>(sizes_.depth * 2 * images), 1.0F);
  if (!context.training || sizes_.drop_path <= 0) return scales;
  DEIT_CHECK(context.positions != nullptr);
  auto scale = scales.begin();
  for (int64_t block = 0; block < sizes_.depth; ++block) {
    const double rate = sizes_.depth == 1 ? 0.0 : sizes_.drop_path * static_cast<double>(block) / static_cast<double>(sizes_.depth - 1);
    for (int branch = 0; branch < 2; ++branch) {
      for (int64_t i = 0; i < images; ++i) *scale++ = BranchScale(context.seed, context.positions[i], block, branch, rate);
    }
  }
  return scales;
}

std::vector<at::Tensor> Transformer::Run(Pass& pass, const at::Tensor& images, bool training) const {
  at::Tensor x = Embed(pass, images);
  Show(pass, 0, x);
  for (int64_t block = 0; block < sizes_.depth; ++block) {
    if (training) pass.block_inputs.push_back(x);
    ScratchArena& saved = training ? saved_[static_cast<size_t>(block)] : evaluation_;
    const at::Tensor* const weights = pass.values.data() + list_.first_block + block * kBlockTensors;
    x = BlockForward(ShapeOf(block, pass.images), weights, NoiseOf(pass, block), x, saved, scratch_);
    Show(pass, block + 1, x);
    if (pass.block_done != nullptr) (*pass.block_done)();
  }
  if (training) pass.block_inputs.push_back(x);
  return ApplyHeads(pass, x);
}

void Transformer::Show(const Pass& pass, int64_t layer, const at::Tensor& x) const {
  if (pass.observe != nullptr) (*pass.observe)(layer, x.view({pass.images, -1, sizes_.width}).narrow(1, 0, prefix_));
}

at::Tensor Transformer::Embed(const Pass& pass, const at::Tensor& images) const {
  const int64_t fan_in = sizes_.patch_size();
  const int64_t width = sizes_.width;
  const int64_t image_size = sizes_.channels * sizes_.image * sizes_.image;
  const at::Tensor patches = Memory(kPatches, {pass.images * patches_, fan_in}, compute_);
  at::Tensor embedded = Memory(kEmbedded, {pass.images * patches_, width}, compute_);
  const at::Tensor tokens = Memory(kTokens, {pass.images * (patches_ + prefix_), width}, at::kFloat);
  WithStorage(compute_, [&]<typename T>() {
    ForEachImage(pass.images, [&](int64_t i) {
      kernels::Patchify(images.const_data_ptr<float>() + i * image_size, sizes_.channels, sizes_.image, sizes_.patch,
                        Data<T>(patches) + i * patches_ * fan_in);
    });
    at::addmm_out(embedded, Value(pass, list_.patch_bias), patches, Value(pass, list_.patch_weight).view({width, fan_in}).t());
    const float* const position = Data<float>(Value(pass, list_.pos_embed));
    const float* const prefix[] = {Data<float>(Value(pass, list_.class_token)),
                                   sizes_.distilled ? Data<float>(Value(pass, list_.dist_token)) : nullptr};
    ForEachImage(pass.images, [&](int64_t i) {
      float* const out = Data<float>(tokens) + i * (patches_ + prefix_) * width;
      for (int64_t token = 0; token < prefix_; ++token) {
        for (int64_t c = 0; c < width; ++c) out[token * width + c] = prefix[token][c] + position[token * width + c];
      }
      kernels::AddBranch(position + prefix_ * width, Data<T>(embedded) + i * patches_ * width, 1.0F, patches_ * width,
                         out + prefix_ * width);
    });
  });
  DropTokens(pass, tokens);
  return tokens;
}

void Transformer::DropTokens(const Pass& pass, const at::Tensor& tokens) const {
  if (pass.positions.empty() || sizes_.pos_drop == 0) return;
  const int64_t size = (patches_ + prefix_) * sizes_.width;
  ForEachImage(pass.images, [&](int64_t i) {
    kernels::Dropout(kernels::DropoutKey{pass.seed, pass.positions[static_cast<size_t>(i)], 0}, sizes_.pos_drop, size,
                     Data<float>(tokens) + i * size);
  });
}

std::vector<at::Tensor> Transformer::ApplyHeads(const Pass& pass, const at::Tensor& x) const {
  const int64_t rows = pass.images * prefix_;
  const at::Tensor normed = Memory(kNormed, {rows, sizes_.width}, compute_);
  const at::Tensor* const norm = pass.values.data() + list_.norm;
  WithStorage(compute_, [&]<typename T>() {
    kernels::NormForward(Data<float>(x), Data<float>(norm[0]), Data<float>(norm[1]), rows, sizes_.width, Data<T>(normed),
                         Data<float>(Memory(kMean, {rows}, at::kFloat)), Data<float>(Memory(kRstd, {rows}, at::kFloat)));
  });
  std::vector<at::Tensor> logits;
  for (size_t head = 0; head < list_.heads.size(); ++head) {
    const at::Tensor* const weights = pass.values.data() + list_.heads[head];
    const at::Tensor token = normed.view({pass.images, prefix_, sizes_.width}).select(1, static_cast<int64_t>(head));
    logits.push_back(at::addmm(weights[1], token, weights[0].t()).to(at::kFloat));
  }
  return logits;
}

void Transformer::Backward(const Pass& pass, const std::vector<at::Tensor>& grad_logits) const {
  const int64_t last = sizes_.depth - 1;
  const at::Tensor grad_normed = Memory(kGradTokens, {pass.images, prefix_, sizes_.width}, compute_);
  HeadsBackward(pass, grad_logits, grad_normed);
  const int64_t rows = pass.images * (patches_ + prefix_);
  at::Tensor gradient = Memory(kGradFirst, {pass.images * prefix_, sizes_.width}, at::kFloat);
  NormBackward(pass, grad_normed, gradient);
  for (int64_t block = last; block >= 0; --block) {
    const at::Tensor dx = Memory((last - block) % 2 == 0 ? kGradSecond : kGradFirst, {rows, sizes_.width}, at::kFloat);
    const int first_tensor = list_.first_block + static_cast<int>(block) * kBlockTensors;
    BlockBackward(ShapeOf(block, pass.images), pass.values.data() + first_tensor, NoiseOf(pass, block),
                  pass.block_inputs[static_cast<size_t>(block)], gradient, saved_[static_cast<size_t>(block)], scratch_, dx, first_tensor,
                  *pass.sink);
    gradient = dx;
  }
  EmbedBackward(pass, gradient);
}

void Transformer::HeadsBackward(const Pass& pass, const std::vector<at::Tensor>& grad_logits, const at::Tensor& grad_normed) const {
  const at::Tensor normed = Memory(kNormed, {pass.images, prefix_, sizes_.width}, compute_);
  for (size_t head = 0; head < list_.heads.size(); ++head) {
    const int place = list_.heads[head];
    const at::Tensor& weight = Value(pass, place);
    const at::Tensor grad = grad_logits[head].defined() ? grad_logits[head].contiguous() : at::zeros({pass.images, sizes_.classes});
    const at::Tensor rounded = Memory(kGradHead, {pass.images, sizes_.classes}, compute_);
    WithStorage(compute_, [&]<typename T>() {
      kernels::BranchGradient(Data<float>(grad), 1.0F, pass.images, sizes_.classes, Data<T>(rounded), Partial(1, sizes_.classes));
    });
    const int64_t token = static_cast<int64_t>(head);
    at::Tensor weight_gradient = Memory(kWeightGradient, {sizes_.classes, sizes_.width}, compute_);
    at::mm_out(weight_gradient, rounded.t(), normed.select(1, token));
    pass.sink->Accept(place, weight_gradient);
    pass.sink->Accept(place + 1, ColumnSums(1, sizes_.classes));
    grad_normed.select(1, token).copy_(at::mm(rounded, weight));
  }
}

void Transformer::NormBackward(const Pass& pass, const at::Tensor& grad_normed, const at::Tensor& dx) const {
  const int64_t rows = pass.images * prefix_;
  float* const sums = Partial(1, 2 * sizes_.width);
  WithStorage(compute_, [&]<typename T>() {
    kernels::NormBackward<T>({Data<T>(grad_normed), nullptr, 0}, Data<float>(pass.block_inputs.back()),
                             Data<float>(Memory(kMean, {rows}, at::kFloat)), Data<float>(Memory(kRstd, {rows}, at::kFloat)),
                             Data<float>(Value(pass, list_.norm)), nullptr, 0, rows, sizes_.width, Data<float>(dx), sums,
                             sums + sizes_.width);
  });
  const at::Tensor gradients = ColumnSums(1, 2 * sizes_.width);
  pass.sink->Accept(list_.norm, gradients.narrow(0, 0, sizes_.width));
  pass.sink->Accept(list_.norm + 1, gradients.narrow(0, sizes_.width, sizes_.width));
}

void Transformer::EmbedBackward(const Pass& pass, const at::Tensor& dx) const {
  DropTokens(pass, dx);
  const int64_t tokens = patches_ + prefix_;
  const int64_t width = sizes_.width;
  const at::Tensor grad_position = Memory(kVectorGradient, {1, tokens, width}, at::kFloat);
  kernels::SumRows(Data<float>(dx), pass.images, tokens * width, Data<float>(grad_position));
  pass.sink->Accept(list_.pos_embed, grad_position);
  pass.sink->Accept(list_.class_token, grad_position.narrow(1, 0, 1));
  if (sizes_.distilled) pass.sink->Accept(list_.dist_token, grad_position.narrow(1, 1, 1));

  const int64_t fan_in = sizes_.patch_size();
  const at::Tensor grad_patches = Memory(kGradPatches, {pass.images * patches_, width}, compute_);
  float* const partial = Partial(pass.images, width);
  WithStorage(compute_, [&]<typename T>() {
    ForEachImage(pass.images, [&](int64_t i) {
      kernels::BranchGradient(Data<float>(dx) + (i * tokens + prefix_) * width, 1.0F, patches_, width,
                              Data<T>(grad_patches) + i * patches_ * width, partial + i * width);
    });
  });
  at::Tensor weight_gradient = Memory(kWeightGradient, {width, fan_in}, compute_);
  at::mm_out(weight_gradient, grad_patches.t(), Memory(kPatches, {pass.images * patches_, fan_in}, compute_));
  pass.sink->Accept(list_.patch_weight, weight_gradient.view({width, sizes_.channels, sizes_.patch, sizes_.patch}));
  pass.sink->Accept(list_.patch_bias, ColumnSums(pass.images, width));
}

float* Transformer::Partial(int64_t rows, int64_t columns) const {
  const at::Tensor partial = Memory(kPartial, {rows, columns}, at::kFloat);
  std::fill_n(Data<float>(partial), partial.numel(), 0.0F);
  return Data<float>(partial);
}

at::Tensor Transformer::ColumnSums(int64_t rows, int64_t columns) const {
  at::Tensor sums = Memory(kVectorGradient, {columns}, at::kFloat);
  kernels::SumRows(Data<float>(Memory(kPartial, {rows, columns}, at::kFloat)), rows, columns, Data<float>(sums));
  return sums;
}

}  // namespace

float BranchScale(uint64_t seed, uint64_t position, int64_t block, int branch, double rate) {
  if (rate <= 0) return 1.0F;
  plan::RandomStream stream(seed, position, plan::Purpose::kDropPath, static_cast<uint32_t>(2 * block + branch));
  const double keep = 1.0 - rate;
  return stream.Uniform() < keep ? static_cast<float>(1.0 / keep) : 0.0F;
}

std::unique_ptr<Model> NewTransformer(const models::TransformerSizes& sizes, at::ScalarType compute, int64_t images_per_pass) {
  return std::make_unique<Transformer>(sizes, compute, images_per_pass);
}

}  // namespace deit::nn
