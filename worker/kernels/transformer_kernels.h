// Elementwise and row-wise kernels of a transformer block, forward and backward, fused where that saves a pass over memory. Torch-free and
// single-threaded: the caller spreads images over threads, so results do not depend on the number of threads.
//
// T is the storage type of GEMM operands (float or Bf16); arithmetic is fp32. On one kind of CPU a result depends on the arguments
// alone, not on where buffers begin: vectors have 16 lanes on every instruction set, and reductions a fixed order. (Kinds differ in the
// last bit, as some fuse multiply and add.) Not-a-number and infinity in an input reach the output. Matrices are row-major and
// contiguous; `column_sums` are added to.
#pragma once

#include <cstdint>

namespace deit::kernels {

struct Bf16 {
  uint16_t bits;
};

inline constexpr float kNormEps = 1e-6F;

// out[r] = gamma * (x[r] - mean[r]) * rstd[r] + beta, with rstd = 1 / sqrt(biased variance + kNormEps).
template <typename T>
void NormForward(const float* x, const float* gamma, const float* beta, int64_t rows, int64_t cols, T* out, float* mean, float* rstd);

// Gradients at LayerNorm's output: `all` [rows, cols], plus `lead` [lead_rows, cols] (null: none) for the first rows.
template <typename T>
struct NormGradient {
  const T* all;
  const T* lead;
  int64_t lead_rows;
};

// dx[r] = gradient through LayerNorm + residual[r] (r < residual_rows). Adds to dgamma and dbeta. dx may be residual.
template <typename T>
void NormBackward(NormGradient<T> dout, const float* x, const float* mean, const float* rstd, const float* gamma, const float* residual,
                  int64_t residual_rows, int64_t rows, int64_t cols, float* dx, float* dgamma, float* dbeta);

// out = x + scale * branch.
template <typename T>
void AddBranch(const float* x, const T* branch, float scale, int64_t count, float* out);

// dbranch = scale * dx, rounded; column_sums += its columns (null: not wanted).
template <typename T>
void BranchGradient(const float* dx, float scale, int64_t rows, int64_t cols, T* dbranch, float* column_sums);

// scores[r] = softmax(scale * scores[r]), in place; scale > 0.
template <typename T>
void Softmax(T* scores, float scale, int64_t rows, int64_t cols);

// gradient[r] = scale * p[r] * (gradient[r] - <p[r], gradient[r]>), in place.
template <typename T>
void SoftmaxBackward(const T* p, T* gradient, float scale, int64_t rows, int64_t cols);

// out = u * Phi(u), the exact GELU (Phi to 3e-7).
template <typename T>
void Gelu(const T* u, int64_t count, T* out);

// gradient *= Phi(u) + u * phi(u), in place; column_sums += its columns.
template <typename T>
void GeluBackward(const T* u, T* gradient, int64_t rows, int64_t cols, float* column_sums);

// heads[h][r][d] = rows[r * stride + h * head_dim + d].
template <typename T>
void SplitHeads(const T* rows, int64_t stride, int64_t count, int64_t num_heads, int64_t head_dim, T* heads);

// The inverse; column_sums (null: not wanted) += columns.
template <typename T>
void MergeHeads(const T* heads, int64_t stride, int64_t count, int64_t num_heads, int64_t head_dim, T* rows, float* column_sums);

// One image [channels, size, size] to patches[(size / patch)^2][channels * patch * patch], as a convolution with kernel = stride = patch
// sees them.
template <typename T>
void Patchify(const float* image, int64_t channels, int64_t size, int64_t patch, T* patches);

// sums += the columns of x.
template <typename T>
void AddColumns(const T* x, int64_t rows, int64_t cols, float* sums);

// out[c] = sum over r of partial[r][c], first row first.
void SumRows(const float* partial, int64_t rows, int64_t cols, float* out);

}  // namespace deit::kernels
