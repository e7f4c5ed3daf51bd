#include "worker/pixels/affine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>

#include "common/base/status.h"

namespace deit::pixels {
namespace {

// Pillow's whole number of a coordinate: -1 for all that is negative.
int Coordinate(double v) { return v < 0 ? -1 : static_cast<int>(v); }

void CopyPixel(const Image& in, int x, int y, uint8_t* out) {
  if (x < 0 || x >= in.width || y < 0 || y >= in.height) return;
  std::copy_n(in.row(y) + x * in.channels, in.channels, out);
}

// Without shear Pillow steps in doubles, from pixel to pixel.
void NearestScaled(const Image& in, const AffineMap& map, Image* out) {
  double sy = map.f + map.e * 0.5;
  for (int y = 0; y < in.height; ++y, sy += map.e) {
    uint8_t* to = out->row(y);
    double sx = map.c + map.a * 0.5;
    for (int x = 0; x < in.width; ++x, sx += map.a, to += in.channels) CopyPixel(in, Coordinate(sx), Coordinate(sy), to);
  }
}

// With shear it steps in 16.16 fixed point.
void NearestSheared(const Image& in, const AffineMap& map, Image* out) {
  const auto fixed = [](double v) {
    DEIT_CHECK(std::abs(v) < 32768.0, v);
    return static_cast<int>(std::floor(v * 65536.0 + 0.5));
  };
  const int a = fixed(map.a), b = fixed(map.b), d = fixed(map.d), e = fixed(map.e);
  const int c = fixed(map.c + map.a * 0.5 + map.b * 0.5), f = fixed(map.f + map.d * 0.5 + map.e * 0.5);
  for (int y = 0; y < in.height; ++y) {
    uint8_t* to = out->row(y);
    int sx = c + y * b, sy = f + y * e;
    for (int x = 0; x < in.width; ++x, sx += a, sy += d, to += in.channels) CopyPixel(in, sx >> 16, sy >> 16, to);
  }
}

void Fill(const Colour& fill, Image* image) {
  const auto channels = static_cast<size_t>(image->channels);
  for (size_t i = 0; i < image->pixels.size(); i += channels) std::copy_n(fill.data(), channels, &image->pixels[i]);
}

// Python's round(value, 15): correctly rounded in decimal.
double Round15(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.15f", value);
  return std::strtod(text.data(), nullptr);
}

// out(x, y) = in(at(x, y)).
template <typename At>
void Rearrange(const Image& in, At at, Image* out) {
  for (int y = 0; y < in.height; ++y) {
    for (int x = 0; x < in.width; ++x) {
      const auto [from_x, from_y] = at(x, y);
      CopyPixel(in, from_x, from_y, out->row(y) + x * in.channels);
    }
  }
}

// Whole quarter turns: false where Pillow has no exact way either.
bool QuarterTurns(const Image& in, double degrees, Image* out) {
  using Point = std::array<int, 2>;
  const int right = in.width - 1, bottom = in.height - 1;
  if (degrees == 0) *out = in;
  else if (degrees == 180)
    Rearrange(
        in,
        [=](int x, int y) {
          return Point{right - x, bottom - y};
        },
        out);
  else if (degrees == 90 && right == bottom)
    Rearrange(
        in,
        [=](int x, int y) {
          return Point{right - y, x};
        },
        out);
  else if (degrees == 270 && right == bottom)
    Rearrange(
        in,
        [=](int x, int y) {
          return Point{y, bottom - x};
        },
        out);
  else return false;
  return true;
}

}  // namespace

void Affine(const Image& in, const AffineMap& map, Filter filter, const Colour& fill, Image* out, const Kernels& kernels) {
  out->Reset(in.width, in.height, in.channels);
  if (filter != Filter::kNearest) {
    DEIT_CHECK(filter == Filter::kBilinear || filter == Filter::kBicubic);
    return kernels.affine(in, map, filter, fill, out);
  }
  Fill(fill, out);
  if (map.b == 0 && map.d == 0) return NearestScaled(in, map, out);
  NearestSheared(in, map, out);
}

void Rotate(const Image& in, double degrees, Filter filter, const Colour& fill, Image* out, const Kernels& kernels) {
  degrees = std::fmod(degrees, 360.0);
  if (degrees < 0) degrees += 360.0;
  out->Reset(in.width, in.height, in.channels);
  if (QuarterTurns(in, degrees, out)) return;
  const double angle = -(degrees * (std::numbers::pi / 180.0));
  const double cosine = Round15(std::cos(angle)), sine = Round15(std::sin(angle)), minus_sine = Round15(-std::sin(angle));
  const double x = in.width / 2.0, y = in.height / 2.0;
  const AffineMap map{cosine, sine, cosine * -x + sine * -y + x, minus_sine, cosine, minus_sine * -x + cosine * -y + y};
  Affine(in, map, filter, fill, out, kernels);
}

}  // namespace deit::pixels
