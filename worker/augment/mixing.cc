#include "worker/augment/mixing.h"

#include <algorithm>
#include <cmath>

#include "common/base/status.h"

namespace deit::augment {
namespace {

using v1::AugmentSpec;

int Below(int n, plan::RandomStream* random) { return static_cast<int>(random->Below(static_cast<uint64_t>(std::max(n, 1)))); }

double DrawGamma(double alpha, plan::RandomStream* random) {  // alpha >= 1
  const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = random->Normal();
    const double v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - random->Uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

// The square of area 1 - lambda around a point, cut at the edges.
pixels::Rectangle SquareAround(double lambda, int size, plan::RandomStream* random) {
  const int cut = static_cast<int>(size * std::sqrt(1 - lambda));
  const int y = Below(size, random), x = Below(size, random);
  const auto clip = [size](int v) { return std::clamp(v, 0, size); };
  const int top = clip(y - cut / 2), bottom = clip(y + (cut + 1) / 2), left = clip(x - cut / 2), right = clip(x + (cut + 1) / 2);
  return {left, top, right - left, bottom - top};
}

// Sides between two shares of the picture's, anywhere inside.
pixels::Rectangle BoxBetween(const AugmentSpec& augment, int size, plan::RandomStream* random) {
  const int least = static_cast<int>(size * augment.cutmix_minmax(0)), most = static_cast<int>(size * augment.cutmix_minmax(1));
  pixels::Rectangle box;
  box.height = least + Below(most - least, random);
  box.width = least + Below(most - least, random);
  box.top = Below(size - box.height + 1, random);
  box.left = Below(size - box.width + 1, random);
  return box;
}

Mix DrawMix(const AugmentSpec& augment, int size, plan::RandomStream random) {
  Mix mix;
  if (random.Uniform() >= augment.mixup_prob()) return mix;
  const bool minmax = augment.cutmix_minmax_size() == 2;
  const double cutmix = minmax ? 1.0 : augment.cutmix();
  const bool cuts = cutmix > 0 && (augment.mixup() == 0 || random.Uniform() < augment.mixup_switch_prob());
  const double lambda = DrawBeta(cuts ? cutmix : augment.mixup(), &random);
  if (lambda == 1) return mix;
  if (!cuts) {
    mix.kind = Mix::Kind::kMixup;
    mix.keep = static_cast<float>(lambda);
    mix.take = static_cast<float>(1 - lambda);
    return mix;
  }
  mix.kind = Mix::Kind::kCutmix;
  mix.box = minmax ? BoxBetween(augment, size, &random) : SquareAround(lambda, size, &random);
  const double taken = static_cast<double>(mix.box.width) * mix.box.height / (static_cast<double>(size) * size);
  mix.keep = static_cast<float>(1 - taken);
  mix.take = static_cast<float>(taken);
  return mix;
}

// One row of a view: out = what `mix` makes of `own` and `partner`.
void MixRow(const Mix& mix, int y, int size, const float* own, const float* partner, float* out) {
  if (mix.kind == Mix::Kind::kMixup) {
    for (int x = 0; x < size; ++x) out[x] = own[x] * mix.keep + partner[x] * mix.take;
  } else if (mix.kind == Mix::Kind::kCutmix && y >= mix.box.top && y < mix.box.top + mix.box.height) {
    std::copy_n(partner + mix.box.left, mix.box.width, out + mix.box.left);
  }
}

}  // namespace

bool Mixes(const AugmentSpec& augment) { return augment.mixup() > 0 || augment.cutmix() > 0 || augment.cutmix_minmax_size() > 0; }

double DrawBeta(double alpha, plan::RandomStream* random) {
  if (alpha > 1) {
    const double a = DrawGamma(alpha, random), b = DrawGamma(alpha, random);
    return a / (a + b);
  }
  while (true) {
    const double log_x = std::log(1 - random->Uniform()) / alpha, log_y = std::log(1 - random->Uniform()) / alpha;
    const double largest = std::max(log_x, log_y);  // both may be too small for exp()
    const double log_sum = largest + std::log(std::exp(log_x - largest) + std::exp(log_y - largest));
    if (log_sum <= 0) return std::exp(log_x - log_sum);
  }
}

void DrawMixes(const AugmentSpec& augment, uint64_t seed, uint64_t position, int count, int size, std::vector<Mix>* mixes) {
  DEIT_CHECK(count % 2 == 0, count);
  mixes->resize(static_cast<size_t>(count));
  const auto draw = [&](int sub) {
    return DrawMix(augment, size, plan::RandomStream(seed, position, plan::Purpose::kMixing, static_cast<uint32_t>(sub)));
  };
  if (augment.mixup_mode() == AugmentSpec::BATCH) {
    std::fill(mixes->begin(), mixes->end(), draw(0));
    return;
  }
  for (int i = 0; i < count; ++i) {
    const bool second = augment.mixup_mode() == AugmentSpec::PAIR && i >= count / 2;
    (*mixes)[static_cast<size_t>(i)] = second ? (*mixes)[static_cast<size_t>(count - 1 - i)] : draw(i);
  }
}

void ApplyMixes(const std::vector<Mix>& mixes, int channels, int size, float* pixels) {
  const auto side = static_cast<size_t>(size);
  const size_t view = static_cast<size_t>(channels) * side * side;
  std::vector<float> rows(2 * side);
  float *const a = rows.data(), *const b = a + side;
  for (size_t i = 0; i < mixes.size() / 2; ++i) {
    const size_t j = mixes.size() - 1 - i;
    if (mixes[i].kind == Mix::Kind::kNone && mixes[j].kind == Mix::Kind::kNone) continue;
    for (size_t row = 0; row < static_cast<size_t>(channels) * side; ++row) {
      float *const first = pixels + i * view + row * side, *const second = pixels + j * view + row * side;
      std::copy_n(first, side, a);
      std::copy_n(second, side, b);
      MixRow(mixes[i], static_cast<int>(row % side), size, a, b, first);
      MixRow(mixes[j], static_cast<int>(row % side), size, b, a, second);
    }
  }
}

}  // namespace deit::augment
