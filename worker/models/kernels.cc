#include "worker/models/kernels.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

// One body per kernel, compiled for three instruction sets and chosen when the program starts. Bodies and helpers are always inlined,
// so that they take the instruction set of the clone around them. This file is compiled with -ffp-contract=off.
#define DEIT_INLINE inline __attribute__((always_inline))
#define DEIT_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#define DEIT_BODY __attribute__((always_inline))  // of a lambda

namespace deit::models::kernels {
namespace {

constexpr int64_t kLanes = 16;
using Floats = float __attribute__((vector_size(64)));
using Words = uint32_t __attribute__((vector_size(64)));
using Halves = uint16_t __attribute__((vector_size(32)));

DEIT_INLINE Words BitsOf(Floats v) { return __builtin_bit_cast(Words, v); }
DEIT_INLINE Floats FromBits(Words v) { return __builtin_bit_cast(Floats, v); }
DEIT_INLINE Floats Fill(float value) { return Floats{} + value; }

DEIT_INLINE Floats Load(const float* from) {
  Floats v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}
DEIT_INLINE Floats Load(const Bf16* from) {
  Halves halves;
  std::memcpy(&halves, from, sizeof(halves));
  return FromBits(__builtin_convertvector(halves, Words) << 16);
}
DEIT_INLINE void Store(float* to, Floats v) { std::memcpy(to, &v, sizeof(v)); }
DEIT_INLINE void Store(Bf16* to, Floats v) {  // to nearest, ties to even
  const Words bits = BitsOf(v);
  const Words rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  const Halves halves = __builtin_convertvector(v == v ? rounded : Words{} + 0x7FC0, Halves);
  std::memcpy(to, &halves, sizeof(halves));
}

// How a body reads and writes a whole vector, or the partial one at the end of a row (missing lanes read `fill`).
struct Whole {
  template <typename T>
  DEIT_INLINE Floats Read(const T* from, float = 0) const { return Load(from); }
  template <typename T>
  DEIT_INLINE void Write(T* to, Floats v) const { Store(to, v); }
};
struct Part {
  int64_t count;

  template <typename T>
  DEIT_INLINE Floats Read(const T* from, float fill = 0) const {
    T lanes[kLanes] = {};
    for (int64_t i = 0; i < count; ++i) lanes[i] = from[i];
    Floats v = Load(lanes);
    for (int64_t i = count; i < kLanes; ++i) v[i] = fill;
    return v;
  }
  template <typename T>
  DEIT_INLINE void Write(T* to, Floats v) const {
    T lanes[kLanes];
    Store(lanes, v);
    for (int64_t i = 0; i < count; ++i) to[i] = lanes[i];
  }
};

// body(first element, access) for each vector of [0, count).
template <typename Body>
DEIT_INLINE void ForEachVector(int64_t count, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) body(i, Whole{});
  if (i < count) body(i, Part{count - i});
}

DEIT_INLINE float Sum(Floats v) {
  float lanes[kLanes];
  std::memcpy(lanes, &v, sizeof(v));
  for (int64_t width = kLanes / 2; width > 0; width /= 2) {
    for (int64_t i = 0; i < width; ++i) lanes[i] += lanes[i + width];
  }
  return lanes[0];
}

DEIT_INLINE float Largest(Floats v) {
  float largest = v[0];
  for (int64_t i = 1; i < kLanes; ++i) largest = v[i] > largest ? v[i] : largest;
  return largest;
}

// e^x for x <= 0 to 2 ulp (Cephes expf); below -87.3 its value there (about 1e-38); not-a-number stays.
DEIT_INLINE Floats Exp(Floats x) {
  x = x < Fill(-87.33654F) ? Fill(-87.33654F) : x;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  const Floats shifted = x * 1.44269504088896341F + kRound;
  const Words n = BitsOf(shifted) - BitsOf(Fill(kRound));
  const Floats whole = shifted - kRound;
  const Floats r = (x - whole * 0.693359375F) - whole * -2.12194440e-4F;
  Floats p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  return p * FromBits((n + 127U) << 23);
}

struct Normal {
  Floats cdf;      // Phi(u)
  Floats density;  // phi(u)
};

DEIT_INLINE Normal NormalOf(Floats u) {
  const Floats e = Exp(u * u * -0.5F);
  const Floats magnitude = (u < 0 ? -u : u) * 0.70710678118654752F;
  const Floats t = 1.0F / (magnitude * 0.3275911F + 1.0F);
  Floats p = t * 1.061405429F - 1.453152027F;
  p = p * t + 1.421413741F;
  p = p * t - 0.284496736F;
  p = p * t + 0.254829592F;
  const Floats tail = p * t * e * 0.5F;  // Phi(-|u|)
  return {u < 0 ? tail : 1.0F - tail, e * 0.39894228040143268F};
}

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
  ForEachVector(count, [&](int64_t i, auto access) DEIT_BODY {
    access.Write(out + i, access.Read(x + i) + access.Read(branch + i) * scale);
  });
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
    ForEachVector(cols, [&](int64_t c, auto access) DEIT_BODY {
      access.Write(gradient + c, (access.Read(gradient + c) - inner) * access.Read(p + c) * scale);
    });
  }
}

template <typename T>
DEIT_INLINE void GeluBody(const T* u, int64_t count, T* out) {
  ForEachVector(count, [&](int64_t i, auto access) DEIT_BODY {
    const Floats v = access.Read(u + i);
    access.Write(out + i, v * NormalOf(v).cdf);
  });
}

template <typename T>
DEIT_INLINE void GeluBackwardBody(const T* u, T* gradient, int64_t rows, int64_t cols, float* column_sums) {
  for (int64_t r = 0; r < rows; ++r, u += cols, gradient += cols) {
    ForEachVector(cols, [&](int64_t c, auto access) DEIT_BODY {
      const Floats v = access.Read(u + c);
      const Normal normal = NormalOf(v);
      const Floats d = access.Read(gradient + c) * (normal.cdf + v * normal.density);
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

}  // namespace deit::models::kernels
