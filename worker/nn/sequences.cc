#include "worker/nn/sequences.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/im2col.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>

#include "common/models/network.h"

namespace deit::nn {
namespace {

constexpr int64_t kMostScores = 1 << 24;  // elements that exist at a time, unless one image alone has more

struct Heads {
  at::Tensor queries, keys, values;  // [images, heads, tokens, width]; queries are scaled
};

Heads SplitHeads(const at::Tensor& qkv, int64_t heads) {
  const int64_t width = qkv.size(2) / 3 / heads;
  const at::Tensor split = qkv.reshape({qkv.size(0), qkv.size(1), 3, heads, width}).permute({2, 0, 3, 1, 4});
  return {split[0] * (1 / std::sqrt(static_cast<double>(width))), split[1], split[2]};
}

at::Tensor MergeHeads(const at::Tensor& x) { return x.transpose(1, 2).flatten(2); }

at::Tensor Similarity(const at::Tensor& a, const at::Tensor& b) { return at::softmax(at::matmul(a, b.transpose(-2, -1)), -1); }

// Razavi et al. 2014, as section 3.3 of Xiong et al. 2021.
at::Tensor Pseudoinverse(const at::Tensor& x) {
  const at::Tensor sizes = x.abs();
  at::Tensor z = x.transpose(-2, -1) / (sizes.sum(-1).max() * sizes.sum(-2).max());
  const at::Tensor identity = at::eye(x.size(-1), x.options());
  for (int step = 0; step < models::kInverseSteps; ++step) {
    const at::Tensor xz = at::matmul(x, z);
    const at::Tensor inner = 15 * identity - at::matmul(xz, 7 * identity - xz);
    z = at::matmul(0.25 * z, 13 * identity - at::matmul(xz, inner));
  }
  return z;
}

}  // namespace

at::Tensor Patches(const at::Tensor& image, int64_t size) {
  const int64_t rows = image.size(2) / size, columns = image.size(3) / size;
  const at::Tensor squares = image.reshape({image.size(0), image.size(1), rows, size, columns, size});
  return squares.permute({0, 2, 4, 3, 5, 1}).reshape({image.size(0), rows * columns, size * size * image.size(1)});
}

at::Tensor Unfold(const at::Tensor& image, int64_t size, int64_t stride) {
  const int64_t padding = stride / 2;
  const at::Tensor columns = at::im2col(image.contiguous(), {size, size}, {1, 1}, {padding, padding}, {stride, stride});
  return columns.transpose(1, 2).contiguous();
}

at::Tensor Grid(const at::Tensor& sequence) {
  const int64_t side = std::llround(std::sqrt(static_cast<double>(sequence.size(1))));
  return sequence.transpose(1, 2).reshape({sequence.size(0), sequence.size(2), side, side});
}

at::Tensor Prepend(const at::Tensor& token, const at::Tensor& sequence) {
  return at::cat({token.reshape({1, 1, -1}).expand({sequence.size(0), 1, sequence.size(2)}), sequence}, 1);
}

at::Tensor Append(const at::Tensor& sequence, const at::Tensor& token) {
  return at::cat({sequence, token.reshape({1, 1, -1}).expand({sequence.size(0), 1, sequence.size(2)})}, 1);
}

at::Tensor AddPositions(const at::Tensor& sequence, const at::Tensor& positions) {
  return sequence + positions.reshape({1, sequence.size(1), sequence.size(2)});
}

at::Tensor Attention(const at::Tensor& qkv, int64_t heads) {
  const Heads of = SplitHeads(qkv, heads);
  const int64_t images = qkv.size(0), scores = heads * qkv.size(1) * qkv.size(1);
  const int64_t group = std::clamp<int64_t>(kMostScores / scores, 1, images);
  std::vector<at::Tensor> parts;
  for (int64_t first = 0; first < images; first += group) {
    const int64_t count = std::min(group, images - first);
    const at::Tensor queries = of.queries.narrow(0, first, count), keys = of.keys.narrow(0, first, count);
    parts.push_back(MergeHeads(at::matmul(Similarity(queries, keys), of.values.narrow(0, first, count))));
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

at::Tensor NystromAttention(const at::Tensor& qkv, int64_t heads, int64_t landmarks, const at::Tensor& kernel) {
  const int64_t tokens = qkv.size(1), padding = (landmarks - tokens % landmarks) % landmarks;
  const at::Tensor precise = qkv.to(kernel.scalar_type());
  const Heads of = SplitHeads(padding > 0 ? at::constant_pad_nd(precise, {0, 0, padding, 0}) : precise, heads);
  const auto grouped = [&](const at::Tensor& x) {
    return x.reshape({x.size(0), heads, landmarks, (tokens + padding) / landmarks, x.size(3)}).mean(3);
  };
  const at::Tensor few_queries = grouped(of.queries), few_keys = grouped(of.keys);
  const at::Tensor inverse = Pseudoinverse(Similarity(few_queries, few_keys));
  const at::Tensor gathered = at::matmul(Similarity(few_queries, of.keys), of.values);
  const at::Tensor attended = at::matmul(at::matmul(Similarity(of.queries, few_keys), inverse), gathered);
  const at::Tensor convolved = at::conv2d(of.values, kernel, {}, 1, {kernel.size(2) / 2, 0}, 1, heads);
  return MergeHeads((attended + convolved).narrow(2, padding, tokens));
}

}  // namespace deit::nn
