#include "worker/kernels/transformer_kernels.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "common/base/target_clones.h"
#include "worker/kernels/simd.h"

// One body per kernel, compiled for three instruction sets and chosen when the program starts. Bodies are always inlined, so that they
// take the instruction set of the clone around them.
#define DEIT_CLONES DEIT_TARGET_CLONES("avx512f", "avx2")
#define DEIT_BODY __attribute__((always_inline))  // of a lambda

namespace deit::kernels {
namespace {

template <typename T>
DEIT_INLINE void NormForwardBody(const float* x, const float* gamma, const float* beta, int64_t rows, int64_t cols, T* out, float* mean,
                                 float* rstd) {
  const float width = static_cast<float>(cols);
  for (int64_t r = 0; r < rows; ++r, x += cols, out += cols) {
    Floats total{};
    ForEachVector(cols, [&](int64_t c, auto access) DEIT_BODY { total += access.Read(x + c); });
    const float centre = Sum(total) / width;
    Floats squares{};
    ForEachVector(cols, [&](int64_t c, auto access) DEIT_BODY {
      const Floats d = access.Read(x + c, centre) - centre;
      squares += d * d;
    });
    const float inverse = 1.0F / std::sqrt(Sum(squares) / width + kNormEps);
    ForEachVector(cols, [&](int64_t c, auto access) DEIT_BODY {
      access.Write(out + c, (access.Read(x + c) - centre) * inverse * access.Read(gamma + c) + access.Read(beta + c));
    });
    mean[r] = centre;
    rstd[r] = inverse;
  }
}

template <typename T>
DEIT_INLINE void NormBackwardBody(NormGradient<T> dout, const float* x, const float* mean, const float* rstd, const float* gamma,
                                  const float* residual, int64_t residual_rows, int64_t rows, int64_t cols, float* dx, float* dgamma,
                                  float* dbeta) {
  const float width = static_cast<float>(cols);
  std::vector<float> gradient(static_cast<size_t>(cols));
  std::vector<float> normal(static_cast<size_t>(cols));
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t row = r * cols;
    const bool lead = dout.lead != nullptr && r < dout.lead_rows;
    Floats sum{};
    Floats sum_normal{};
    ForEachVector(cols, [&](int64_t c, auto access) DEIT_BODY {
      Floats dy = access.Read(dout.all + row + c);
      if (lead) dy += access.Read(dout.lead + row + c);
      const Floats xhat = (access.Read(x + row + c, mean[r]) - mean[r]) * rstd[r];
      access.Write(dgamma + c, access.Read(dgamma + c) + dy * xhat);
      access.Write(dbeta + c, access.Read(dbeta + c) + dy);
      const Floats scaled = dy * access.Read(gamma + c);
      access.Write(gradient.data() + c, scaled);
      access.Write(normal.data() + c, xhat);
      sum += scaled;
      sum_normal += scaled * xhat;
    });
    const float mean_gradient = Sum(sum) / width;
    const float mean_product = Sum(sum_normal) / width;
    ForEachVector(cols, [&](int64_t c, auto access) DEIT_BODY {
      Floats d = (access.Read(gradient.data() + c) - mean_gradient - access.Read(normal.data() + c) * mean_product) * rstd[r];
      if (r < residual_rows) d += access.Read(residual + row + c);
      access.Write(dx + row + c, d);
    });
  }
}

template <typename T>
DEIT_INLINE void AddBranchBody(const float* x, const T* branch, float scale, int64_t count, float* out) {
  ForEachVector(count,
                [&](int64_t i, auto access) DEIT_BODY { access.Write(out + i, access.Read(x + i) + access.Read(branch + i) * scale); });
}

template <typename T>
DEIT_INLINE void BranchGradientBody(const float* dx, float scale, int64_t rows, int64_t cols, T* dbranch, float* column_sums) {
  for (int64_t r = 0; r < rows; ++r, dx += cols, dbranch += cols) {
    ForEachVector(cols, [&](int64_t c, auto access) DEIT_BODY {
      const Floats d = access.Read(dx + c) * scale;
      access.Write(dbranch + c, d);
      if (column_sums != nullptr) access.Write(column_sums + c, access.Read(column_sums + c) + d);
    });
  }
}

template <typename T>
DEIT_INLINE void AddColumnsBody(const T* x, int64_t rows, int64_t cols, float* sums) {
  for (int64_t r = 0; r < rows; ++r, x += cols) {
    ForEachVector(cols, [&](int64_t c, auto access) DEIT_BODY { access.Write(sums + c, access.Read(sums + c) + access.Read(x + c)); });
  }
}

template <typename T>
DEIT_INLINE void SoftmaxBody(T* scores, float scale, int64_t rows, int64_t cols) {
  constexpr float kNothing = -std::numeric_limits<float>::infinity();
  std::vector<float> row(static_cast<size_t>((cols + kLanes - 1) / kLanes * kLanes));
  float* const e = row.data();
  for (int64_t r = 0; r < rows; ++r, scores += cols) {
    Floats largest = Fill(kNothing);
    ForEachVector(cols, [&](int64_t c, auto access) DEIT_BODY {
      const Floats v = access.Read(scores + c, kNothing);
      Store(e + c, v);
      largest = v > largest ? v : largest;
    });
    const float top = Largest(largest);
    Floats total{};
    for (int64_t c = 0; c < cols; c += kLanes) {  // lanes beyond the row add about 1e-38 to a sum of at least 1
      const Floats v = Exp((Load(e + c) - top) * scale);
      Store(e + c, v);
      total += v;
    }
    const float inverse = 1.0F / Sum(total);
    ForEachVector(cols, [&](int64_t c, auto access) DEIT_BODY { access.Write(scores + c, Load(e + c) * inverse); });
  }
}

template <typename T>
DEIT_INLINE void SoftmaxBackwardBody(const T* p, T* gradient, float scale, int64_t rows, int64_t cols) {
  for (int64_t r = 0; r < rows; ++r, p += cols, gradient += cols) {
    Floats product{};
    ForEachVector(cols, [&](int64_t c, auto access) DEIT_BODY { product += access.Read(p + c) * access.Read(gradient + c); });
    const float inner = Sum(product);
    ForEachVector(cols, [&](int64_t c, auto access)
                            DEIT_BODY { access.Write(gradient + c, (access.Read(gradient + c) - inner) * access.Read(p + c) * scale); });
  }
}

template <typename T>
DEIT_INLINE void GeluBody(const T* u, int64_t count, T* out) {
  ForEachVector(count, [&](int64_t i, auto access) DEIT_BODY {
    const Floats v = access.Read(u + i);
    access.Write(out + i, v * NormalCdf(v));
  });
}

template <typename T>
DEIT_INLINE void GeluBackwardBody(const T* u, T* gradient, int64_t rows, int64_t cols, float* column_sums) {
  for (int64_t r = 0; r < rows; ++r, u += cols, gradient += cols) {
    ForEachVector(cols, [&](int64_t c, auto access) DEIT_BODY {
      const Floats v = access.Read(u + c);
      const Floats d = access.Read(gradient + c) * (NormalCdf(v) + v * NormalDensity(v));
      access.Write(gradient + c, d);
      access.Write(column_sums + c, access.Read(column_sums + c) + d);
    });
  }
}

template <typename T>
void SplitHeadsBody(const T* rows, int64_t stride, int64_t count, int64_t num_heads, int64_t head_dim, T* heads) {
  for (int64_t h = 0; h < num_heads; ++h) {
    for (int64_t r = 0; r < count; ++r, heads += head_dim) {
      std::memcpy(heads, rows + r * stride + h * head_dim, static_cast<size_t>(head_dim) * sizeof(T));
    }
  }
}

template <typename T>
DEIT_INLINE void MergeHeadsBody(const T* heads, int64_t stride, int64_t count, int64_t num_heads, int64_t head_dim, T* rows,
                                float* column_sums) {
  for (int64_t h = 0; h < num_heads; ++h) {
    float* const sums = column_sums == nullptr ? nullptr : column_sums + h * head_dim;
    for (int64_t r = 0; r < count; ++r, heads += head_dim) {
      T* const row = rows + r * stride + h * head_dim;
      ForEachVector(head_dim, [&](int64_t d, auto access) DEIT_BODY {
        const Floats v = access.Read(heads + d);
        access.Write(row + d, v);
        if (sums != nullptr) access.Write(sums + d, access.Read(sums + d) + v);
      });
    }
  }
}

template <typename T>
DEIT_INLINE void PatchifyBody(const float* image, int64_t channels, int64_t size, int64_t patch, T* patches) {
  for (int64_t top = 0; top + patch <= size; top += patch) {
    for (int64_t left = 0; left + patch <= size; left += patch) {
      for (int64_t channel = 0; channel < channels; ++channel) {
        for (int64_t y = top; y < top + patch; ++y, patches += patch) {
          const float* const from = image + (channel * size + y) * size + left;
          ForEachVector(patch, [&](int64_t i, auto access) DEIT_BODY { access.Write(patches + i, access.Read(from + i)); });
        }
      }
    }
  }
}

}  // namespace

// Every kernel for one storage type, each in three clones.
#define DEIT_KERNELS(T)                                                                                                                \
  template <>                                                                                                                          \
  DEIT_CLONES void NormForward(const float* x, const float* gamma, const float* beta, int64_t rows, int64_t cols, T* out, float* mean, \
                               float* rstd) {                                                                                          \
    NormForwardBody(x, gamma, beta, rows, cols, out, mean, rstd);                                                                      \
  }                                                                                                                                    \
  template <>                                                                                                                          \
  DEIT_CLONES void NormBackward(NormGradient<T> dout, const float* x, const float* mean, const float* rstd, const float* gamma,        \
                                const float* residual, int64_t residual_rows, int64_t rows, int64_t cols, float* dx, float* dgamma,    \
                                float* dbeta) {                                                                                        \
    NormBackwardBody(dout, x, mean, rstd, gamma, residual, residual_rows, rows, cols, dx, dgamma, dbeta);                              \
  }                                                                                                                                    \
  template <>                                                                                                                          \
  DEIT_CLONES void AddBranch(const float* x, const T* branch, float scale, int64_t count, float* out) {                                \
    AddBranchBody(x, branch, scale, count, out);                                                                                       \
  }                                                                                                                                    \
  template <>                                                                                                                          \
  DEIT_CLONES void BranchGradient(const float* dx, float scale, int64_t rows, int64_t cols, T* dbranch, float* column_sums) {          \
    BranchGradientBody(dx, scale, rows, cols, dbranch, column_sums);                                                                   \
  }                                                                                                                                    \
  template <>                                                                                                                          \
  DEIT_CLONES void AddColumns(const T* x, int64_t rows, int64_t cols, float* sums) {                                                   \
    AddColumnsBody(x, rows, cols, sums);                                                                                               \
  }                                                                                                                                    \
  template <>                                                                                                                          \
  DEIT_CLONES void Softmax(T* scores, float scale, int64_t rows, int64_t cols) {                                                       \
    SoftmaxBody(scores, scale, rows, cols);                                                                                            \
  }                                                                                                                                    \
  template <>                                                                                                                          \
  DEIT_CLONES void SoftmaxBackward(const T* p, T* gradient, float scale, int64_t rows, int64_t cols) {                                 \
    SoftmaxBackwardBody(p, gradient, scale, rows, cols);                                                                               \
  }                                                                                                                                    \
  template <>                                                                                                                          \
  DEIT_CLONES void Gelu(const T* u, int64_t count, T* out) {                                                                           \
    GeluBody(u, count, out);                                                                                                           \
  }                                                                                                                                    \
  template <>                                                                                                                          \
  DEIT_CLONES void GeluBackward(const T* u, T* gradient, int64_t rows, int64_t cols, float* column_sums) {                             \
    GeluBackwardBody(u, gradient, rows, cols, column_sums);                                                                            \
  }                                                                                                                                    \
  template <>                                                                                                                          \
  void SplitHeads(const T* rows, int64_t stride, int64_t count, int64_t num_heads, int64_t head_dim, T* heads) {                       \
    SplitHeadsBody(rows, stride, count, num_heads, head_dim, heads);                                                                   \
  }                                                                                                                                    \
  template <>                                                                                                                          \
  DEIT_CLONES void MergeHeads(const T* heads, int64_t stride, int64_t count, int64_t num_heads, int64_t head_dim, T* rows,             \
                              float* column_sums) {                                                                                    \
    MergeHeadsBody(heads, stride, count, num_heads, head_dim, rows, column_sums);                                                      \
  }                                                                                                                                    \
  template <>                                                                                                                          \
  DEIT_CLONES void Patchify(const float* image, int64_t channels, int64_t size, int64_t patch, T* patches) {                           \
    PatchifyBody(image, channels, size, patch, patches);                                                                               \
  }

DEIT_KERNELS(float)
DEIT_KERNELS(Bf16)

void SumRows(const float* partial, int64_t rows, int64_t cols, float* out) {
  std::memcpy(out, partial, static_cast<size_t>(cols) * sizeof(float));
  for (int64_t r = 1; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) out[c] += partial[r * cols + c];
  }
}

}  // namespace deit::kernels
