#include "worker/nn/transformer_block.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/addmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/mm.h>

#include "worker/kernels/dropout.h"
#include "worker/kernels/transformer_kernels.h"
#include "worker/nn/tensor_access.h"

namespace deit::nn {
namespace {

// What stays from forward to backward.
enum Saved : size_t {
  kNormed1,
  kMean1,
  kRstd1,
  kQuery,
  kKey,
  kValue,
  kAttention,
  kMixed,
  kMiddle,
  kNormed2,
  kMean2,
  kRstd2,
  kHidden,
  kActivated,
  kOutput,
};

// What is free again after the block. Slots are shared by values that are not alive at the same time.
enum Scratch : size_t {
  kQueryRows,
  kKeyValueRows,
  kHeadRows,
  kBranch,
  kPartial,
  kVectorGradient,
  kWeightGradient,
  kGradMiddle,
  kGradHidden,
  kGradNormed,
  kGradNormedLead,
  kGradAttention,
  kGradQuery,
  kGradKey,
  kGradValue,
  kGradMixed,
};

void Linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, at::Tensor& out) {
  at::addmm_out(out, bias, x, weight.t());
}

// One pass over one block; T is the storage type of the compute precision.
template <typename T>
class BlockPass {
 public:
  BlockPass(const BlockShape& shape, const at::Tensor* weights, const BlockNoise& noise, const at::Tensor& x, ScratchArena& saved,
            ScratchArena& scratch)
      : s_(shape), w_(weights), scales_(noise.scales), dropout_(noise.dropout), x_(x), saved_(saved), scratch_(scratch),
        rows_(shape.images * shape.tokens), query_rows_(shape.images * shape.queries), head_dim_(shape.width / shape.heads),
        attention_scale_(1.0F / std::sqrt(static_cast<float>(head_dim_))) {}

  at::Tensor Forward() {
    const at::Tensor normed = Norm(x_, s_.tokens, kNorm1Weight, kNormed1, kMean1);
    const at::Tensor mixed = Attend(normed);
    at::Tensor branch = Work(kBranch, {query_rows_, s_.width});
    Linear(mixed, w_[kProjWeight], w_[kProjBias], branch);
    Drop(kAfterProj, s_.width, branch);
    const at::Tensor middle = Add(x_, s_.tokens, branch, scales_.attention, kMiddle);

    const at::Tensor normed2 = Norm(middle, s_.queries, kNorm2Weight, kNormed2, kMean2);
    at::Tensor hidden = Keep(kHidden, {query_rows_, s_.hidden});
    Linear(normed2, w_[kFc1Weight], w_[kFc1Bias], hidden);
    const at::Tensor activated = Keep(kActivated, {query_rows_, s_.hidden});
    const int64_t size = s_.queries * s_.hidden;
    ForEachImage(s_.images, [&](int64_t i) { kernels::Gelu(Data<T>(hidden) + i * size, size, Data<T>(activated) + i * size); });
    Drop(kAfterActivation, s_.hidden, activated);
    Linear(activated, w_[kFc2Weight], w_[kFc2Bias], branch);
    Drop(kAfterFc2, s_.width, branch);
    return Add(middle, s_.queries, branch, scales_.mlp, kOutput);
  }

  void Backward(const at::Tensor& gradient, const at::Tensor& dx, int first_tensor, GradientSink& sink) {
    first_tensor_ = first_tensor;
    sink_ = &sink;
    const at::Tensor grad_middle = scratch_.Get(kGradMiddle, {query_rows_, s_.width}, at::kFloat);
    MlpBackward(gradient, grad_middle);
    AttentionBackward(grad_middle, dx);
  }

 private:
  enum Place : uint32_t { kAfterProj, kAfterActivation, kAfterFc2 };

  // Dropout of the queries' rows, or of their gradient.
  void Drop(Place place, int64_t columns, const at::Tensor& rows) const {
    if (dropout_.rate == 0) return;
    const int64_t size = s_.queries * columns;
    ForEachImage(s_.images, [&](int64_t i) {
      kernels::Dropout(kernels::DropoutKey{dropout_.seed, dropout_.positions[i], dropout_.layer + place}, dropout_.rate, size,
                       Data<T>(rows) + i * size);
    });
  }

  at::Tensor Keep(Saved slot, at::IntArrayRef shape) { return saved_.Get(slot, shape, s_.compute); }
  at::Tensor Work(Scratch slot, at::IntArrayRef shape) { return scratch_.Get(slot, shape, s_.compute); }
  at::Tensor KeepFloat(size_t slot, at::IntArrayRef shape) { return saved_.Get(slot, shape, at::kFloat); }

  // The rows of each image's first `queries` tokens: a view if these are all.
  at::Tensor Lead(const at::Tensor& rows) const {
    return rows.view({s_.images, s_.tokens, s_.width}).narrow(1, 0, s_.queries).reshape({query_rows_, s_.width});
  }

  // LayerNorm of all rows; mean and rstd go to the slots mean_slot and mean_slot + 1.
  at::Tensor Norm(const at::Tensor& x, int64_t rows_per_image, BlockTensor weight, Saved slot, Saved mean_slot) {
    const int64_t rows = s_.images * rows_per_image;
    const at::Tensor out = Keep(slot, {rows, s_.width});
    const at::Tensor mean = KeepFloat(mean_slot, {rows});
    const at::Tensor rstd = KeepFloat(mean_slot + 1, {rows});
    ForEachImage(s_.images, [&](int64_t i) {
      const int64_t row = i * rows_per_image;
      kernels::NormForward(Data<float>(x) + row * s_.width, Data<float>(w_[weight]), Data<float>(w_[weight + 1]), rows_per_image, s_.width,
                           Data<T>(out) + row * s_.width, Data<float>(mean) + row, Data<float>(rstd) + row);
    });
    return out;
  }

  // The first `queries` tokens of x, plus the scaled branch.
  at::Tensor Add(const at::Tensor& x, int64_t rows_per_image, const at::Tensor& branch, const float* scales, Saved slot) {
    const at::Tensor out = KeepFloat(slot, {query_rows_, s_.width});
    const int64_t size = s_.queries * s_.width;
    ForEachImage(s_.images, [&](int64_t i) {
      kernels::AddBranch(Data<float>(x) + i * rows_per_image * s_.width, Data<T>(branch) + i * size, scales[i], size,
                         Data<float>(out) + i * size);
    });
    return out;
  }

  at::Tensor Attend(const at::Tensor& normed) {
    at::Tensor query_rows = Work(kQueryRows, {query_rows_, s_.width});
    at::Tensor key_value_rows = Work(kKeyValueRows, {rows_, 2 * s_.width});
    Linear(Lead(normed), w_[kQkvWeight].narrow(0, 0, s_.width), w_[kQkvBias].narrow(0, 0, s_.width), query_rows);
    Linear(normed, w_[kQkvWeight].narrow(0, s_.width, 2 * s_.width), w_[kQkvBias].narrow(0, s_.width, 2 * s_.width), key_value_rows);
    const at::Tensor query = Split(query_rows, 0, s_.queries, Keep(kQuery, {s_.images * s_.heads, s_.queries, head_dim_}));
    const at::Tensor key = Split(key_value_rows, 0, s_.tokens, Keep(kKey, {s_.images * s_.heads, s_.tokens, head_dim_}));
    const at::Tensor value = Split(key_value_rows, s_.width, s_.tokens, Keep(kValue, {s_.images * s_.heads, s_.tokens, head_dim_}));

    at::Tensor attention = Keep(kAttention, {s_.images * s_.heads, s_.queries, s_.tokens});
    at::bmm_out(attention, query, key.transpose(1, 2));
    const int64_t rows = s_.heads * s_.queries;
    ForEachImage(s_.images,
                 [&](int64_t i) { kernels::Softmax(Data<T>(attention) + i * rows * s_.tokens, attention_scale_, rows, s_.tokens); });
    at::Tensor heads = Work(kHeadRows, {s_.images * s_.heads, s_.queries, head_dim_});
    at::bmm_out(heads, attention, value);
    const at::Tensor mixed = Keep(kMixed, {query_rows_, s_.width});
    Merge(heads, s_.queries, mixed, 0, nullptr, 0);
    return mixed;
  }

  // Columns [first, first + width) of `rows` as [images * heads, rows of an image, head_dim].
  at::Tensor Split(const at::Tensor& rows, int64_t first, int64_t rows_per_image, const at::Tensor& heads) const {
    const int64_t stride = rows.size(1);
    const int64_t size = rows_per_image * s_.width;
    ForEachImage(s_.images, [&](int64_t i) {
      kernels::SplitHeads(Data<T>(rows) + i * rows_per_image * stride + first, stride, rows_per_image, s_.heads, head_dim_,
                          Data<T>(heads) + i * size);
    });
    return heads;
  }

  // The inverse of Split. Column sums, if wanted, go to partial[image][sums_column ...], of 3 * width columns.
  void Merge(const at::Tensor& heads, int64_t rows_per_image, const at::Tensor& rows, int64_t first, float* partial,
             int64_t sums_column) const {
    const int64_t stride = rows.size(1);
    const int64_t size = rows_per_image * s_.width;
    ForEachImage(s_.images, [&](int64_t i) {
      float* const sums = partial == nullptr ? nullptr : partial + i * 3 * s_.width + sums_column;
      kernels::MergeHeads(Data<T>(heads) + i * size, stride, rows_per_image, s_.heads, head_dim_,
                          Data<T>(rows) + i * rows_per_image * stride + first, sums);
    });
  }

  void MlpBackward(const at::Tensor& gradient, const at::Tensor& grad_middle) {
    const at::Tensor branch = BranchGradient(gradient, scales_.mlp, kAfterFc2);
    GiveWeight(kFc2Weight, branch, Keep(kActivated, {query_rows_, s_.hidden}));
    GiveColumnSums(kFc2Bias, s_.width);

    at::Tensor grad_hidden = Work(kGradHidden, {query_rows_, s_.hidden});
    at::mm_out(grad_hidden, branch, w_[kFc2Weight]);
    Drop(kAfterActivation, s_.hidden, grad_hidden);
    const at::Tensor hidden = Keep(kHidden, {query_rows_, s_.hidden});
    float* const partial = Partial(s_.hidden);
    const int64_t size = s_.queries * s_.hidden;
    ForEachImage(s_.images, [&](int64_t i) {
      kernels::GeluBackward(Data<T>(hidden) + i * size, Data<T>(grad_hidden) + i * size, s_.queries, s_.hidden, partial + i * s_.hidden);
    });
    GiveWeight(kFc1Weight, grad_hidden, Keep(kNormed2, {query_rows_, s_.width}));
    GiveColumnSums(kFc1Bias, s_.hidden);

    at::Tensor grad_normed = Work(kGradNormed, {query_rows_, s_.width});
    at::mm_out(grad_normed, grad_hidden, w_[kFc1Weight]);
    const at::Tensor middle = KeepFloat(kMiddle, {query_rows_, s_.width});
    NormBackward(grad_normed, nullptr, middle, s_.queries, kNorm2Weight, kMean2, gradient, grad_middle);
  }

  void AttentionBackward(const at::Tensor& grad_middle, const at::Tensor& dx) {
    const at::Tensor branch = BranchGradient(grad_middle, scales_.attention, kAfterProj);
    GiveWeight(kProjWeight, branch, Keep(kMixed, {query_rows_, s_.width}));
    GiveColumnSums(kProjBias, s_.width);

    at::Tensor grad_mixed = Work(kQueryRows, {query_rows_, s_.width});
    at::mm_out(grad_mixed, branch, w_[kProjWeight]);
    const int64_t groups = s_.images * s_.heads;
    const at::Tensor grad_heads = Split(grad_mixed, 0, s_.queries, Work(kHeadRows, {groups, s_.queries, head_dim_}));
    const at::Tensor attention = Keep(kAttention, {groups, s_.queries, s_.tokens});
    at::Tensor grad_value = Work(kGradValue, {groups, s_.tokens, head_dim_});
    at::bmm_out(grad_value, attention.transpose(1, 2), grad_heads);
    at::Tensor grad_attention = Work(kGradAttention, {groups, s_.queries, s_.tokens});
    at::bmm_out(grad_attention, grad_heads, Keep(kValue, {groups, s_.tokens, head_dim_}).transpose(1, 2));
    const int64_t rows = s_.heads * s_.queries;
    ForEachImage(s_.images, [&](int64_t i) {
      kernels::SoftmaxBackward(Data<T>(attention) + i * rows * s_.tokens, Data<T>(grad_attention) + i * rows * s_.tokens, attention_scale_,
                               rows, s_.tokens);
    });
    at::Tensor grad_query = Work(kGradQuery, {groups, s_.queries, head_dim_});
    at::bmm_out(grad_query, grad_attention, Keep(kKey, {groups, s_.tokens, head_dim_}));
    at::Tensor grad_key = Work(kGradKey, {groups, s_.tokens, head_dim_});
    at::bmm_out(grad_key, grad_attention.transpose(1, 2), Keep(kQuery, {groups, s_.queries, head_dim_}));
    QkvBackward(grad_query, grad_key, grad_value, grad_middle, dx);
  }

  void QkvBackward(const at::Tensor& grad_query, const at::Tensor& grad_key, const at::Tensor& grad_value, const at::Tensor& grad_middle,
                   const at::Tensor& dx) {
    const at::Tensor query_rows = Work(kQueryRows, {query_rows_, s_.width});
    const at::Tensor key_value_rows = Work(kKeyValueRows, {rows_, 2 * s_.width});
    float* const partial = Partial(3 * s_.width);
    Merge(grad_query, s_.queries, query_rows, 0, partial, 0);
    Merge(grad_key, s_.tokens, key_value_rows, 0, partial, s_.width);
    Merge(grad_value, s_.tokens, key_value_rows, s_.width, partial, 2 * s_.width);

    const at::Tensor normed = Keep(kNormed1, {rows_, s_.width});
    const at::Tensor weight_gradient = Work(kWeightGradient, {3 * s_.width, s_.width});
    at::Tensor query_part = weight_gradient.narrow(0, 0, s_.width);
    at::Tensor key_value_part = weight_gradient.narrow(0, s_.width, 2 * s_.width);
    at::mm_out(query_part, query_rows.t(), Lead(normed));
    at::mm_out(key_value_part, key_value_rows.t(), normed);
    Give(kQkvWeight, weight_gradient);
    GiveColumnSums(kQkvBias, 3 * s_.width);

    at::Tensor grad_normed = Work(kGradNormed, {rows_, s_.width});
    at::mm_out(grad_normed, key_value_rows, w_[kQkvWeight].narrow(0, s_.width, 2 * s_.width));
    at::Tensor grad_normed_lead = Work(kGradNormedLead, {query_rows_, s_.width});
    at::mm_out(grad_normed_lead, query_rows, w_[kQkvWeight].narrow(0, 0, s_.width));
    NormBackward(grad_normed, Data<T>(grad_normed_lead), x_, s_.tokens, kNorm1Weight, kMean1, grad_middle, dx);
  }

  // scale * gradient in the compute precision; its column sums are left in the partial sums.
  at::Tensor BranchGradient(const at::Tensor& gradient, const float* scales, Place place) {
    const at::Tensor branch = Work(kBranch, {query_rows_, s_.width});
    float* const partial = Partial(s_.width);
    const int64_t size = s_.queries * s_.width;
    const bool drops = dropout_.rate != 0;  // then the sums are those of what is left
    ForEachImage(s_.images, [&](int64_t i) {
      kernels::BranchGradient(Data<float>(gradient) + i * size, scales[i], s_.queries, s_.width, Data<T>(branch) + i * size,
                              drops ? nullptr : partial + i * s_.width);
    });
    if (!drops) return branch;
    Drop(place, s_.width, branch);
    ForEachImage(s_.images,
                 [&](int64_t i) { kernels::AddColumns(Data<T>(branch) + i * size, s_.queries, s_.width, partial + i * s_.width); });
    return branch;
  }

  // Through a LayerNorm of x; `residual` (of the first `queries` tokens) is added. Gives weight's and bias's gradients.
  void NormBackward(const at::Tensor& grad_normed, const T* grad_lead, const at::Tensor& x, int64_t rows_per_image, BlockTensor weight,
                    Saved mean_slot, const at::Tensor& residual, const at::Tensor& dx) {
    const at::Tensor mean = KeepFloat(mean_slot, {s_.images * rows_per_image});
    const at::Tensor rstd = KeepFloat(mean_slot + 1, {s_.images * rows_per_image});
    float* const partial = Partial(2 * s_.width);
    ForEachImage(s_.images, [&](int64_t i) {
      const int64_t row = i * rows_per_image;
      const int64_t lead = i * s_.queries * s_.width;
      float* const sums = partial + i * 2 * s_.width;
      const kernels::NormGradient<T> gradient{Data<T>(grad_normed) + row * s_.width, grad_lead == nullptr ? nullptr : grad_lead + lead,
                                              s_.queries};
      kernels::NormBackward(gradient, Data<float>(x) + row * s_.width, Data<float>(mean) + row, Data<float>(rstd) + row,
                            Data<float>(w_[weight]), Data<float>(residual) + lead, s_.queries, rows_per_image, s_.width,
                            Data<float>(dx) + row * s_.width, sums, sums + s_.width);
    });
    const at::Tensor sums = ColumnSums(2 * s_.width);
    Give(weight, sums.narrow(0, 0, s_.width));
    Give(weight + 1, sums.narrow(0, s_.width, s_.width));
  }

  // Column sums of each image, zeroed, to be added to.
  float* Partial(int64_t columns) {
    const at::Tensor partial = scratch_.Get(kPartial, {s_.images, columns}, at::kFloat);
    std::fill_n(Data<float>(partial), partial.numel(), 0.0F);
    return Data<float>(partial);
  }

  // Their sum over the images, first image first.
  at::Tensor ColumnSums(int64_t columns) {
    const at::Tensor partial = scratch_.Get(kPartial, {s_.images, columns}, at::kFloat);
    at::Tensor sums = scratch_.Get(kVectorGradient, {columns}, at::kFloat);
    kernels::SumRows(Data<float>(partial), s_.images, columns, Data<float>(sums));
    return sums;
  }

  void Give(int tensor, const at::Tensor& gradient) { sink_->Accept(first_tensor_ + tensor, gradient); }
  void GiveColumnSums(BlockTensor tensor, int64_t columns) { Give(tensor, ColumnSums(columns)); }
  void GiveWeight(BlockTensor tensor, const at::Tensor& grad_out, const at::Tensor& input) {
    at::Tensor gradient = Work(kWeightGradient, w_[tensor].sizes());
    at::mm_out(gradient, grad_out.t(), input);
    Give(tensor, gradient);
  }

  const BlockShape& s_;
  const at::Tensor* const w_;
  const BranchScales scales_;
  const BlockDropout dropout_;
  const at::Tensor& x_;
  ScratchArena& saved_;
  ScratchArena& scratch_;
  const int64_t rows_;
  const int64_t query_rows_;
  const int64_t head_dim_;
  const float attention_scale_;
  int first_tensor_ = 0;
  GradientSink* sink_ = nullptr;
};

}  // namespace

at::Tensor BlockForward(const BlockShape& shape, const at::Tensor* weights, const BlockNoise& noise, const at::Tensor& x,
                        ScratchArena& saved, ScratchArena& scratch) {
  return WithStorage(shape.compute, [&]<typename T>() { return BlockPass<T>(shape, weights, noise, x, saved, scratch).Forward(); });
}

void BlockBackward(const BlockShape& shape, const at::Tensor* weights, const BlockNoise& noise, const at::Tensor& x,
                   const at::Tensor& gradient, ScratchArena& saved, ScratchArena& scratch, const at::Tensor& dx, int first_tensor,
                   GradientSink& sink) {
  WithStorage(shape.compute,
              [&]<typename T>() { BlockPass<T>(shape, weights, noise, x, saved, scratch).Backward(gradient, dx, first_tensor, sink); });
}

}  // namespace deit::nn
