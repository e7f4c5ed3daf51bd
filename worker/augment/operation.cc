#include "worker/augment/operation.h"

#include <algorithm>
#include <utility>

#include "worker/pixels/affine.h"
#include "worker/pixels/enhance.h"
#include "worker/pixels/tone.h"

namespace deit::augment {
namespace {

using pixels::AffineMap;
using pixels::Image;
using plan::RandomStream;

// timm/data/auto_augment.py, *_level_to_arg, in its order of operations.
double Signed(double value, RandomStream* random) { return random->Uniform() > 0.5 ? -value : value; }
int PosterizeBits(double m) { return static_cast<int>(m / 10.0 * 4); }
int SolarizeThreshold(double m) { return std::min(256, static_cast<int>(m / 10.0 * 256)); }
double MinMax(double m, double low, double high) { return std::clamp(low + (high - low) * (m / 10.0), low, high); }

double Degrees(double m, RandomStream* random) { return Signed(m / 10.0 * 30.0, random); }
double ShearFactor(double m, RandomStream* random) { return Signed(m / 10.0 * 0.3, random); }
double ShiftShare(double m, RandomStream* random) { return Signed(m / 10.0 * 0.45, random); }
double Bits(double m, RandomStream*) { return std::min(8, PosterizeBits(m)); }
double FewerBits(double m, RandomStream*) { return std::max(0, 4 - PosterizeBits(m)); }
double Threshold(double m, RandomStream*) { return SolarizeThreshold(m); }
double LowerThreshold(double m, RandomStream*) { return 256 - SolarizeThreshold(m); }
double Added(double m, RandomStream*) { return std::min(128, static_cast<int>(m / 10.0 * 110)); }
double Factor(double m, RandomStream*) { return m / 10.0 * 1.8 + 0.1; }
double FactorFromOne(double m, RandomStream* random) { return std::max(0.1, 1.0 + Signed(m / 10.0 * 0.9, random)); }
double GrayFactor(double m, RandomStream*) { return std::clamp(1.0 - MinMax(m, 0.5, 1.0), 0.0, 1.0); }
double BlurRadius(double m, RandomStream*) { return MinMax(m, 0.1, 2.0); }

template <void (*FUNCTION)(Image*)>
void Plain(const Operation&, const OperationContext&, Image* image) {
  FUNCTION(image);
}
template <void (*FUNCTION)(int, Image*)>
void WithWhole(const Operation& operation, const OperationContext&, Image* image) {
  FUNCTION(static_cast<int>(operation.argument), image);
}
template <void (*FUNCTION)(double, Image*)>
void WithFactor(const Operation& operation, const OperationContext&, Image* image) {
  FUNCTION(operation.argument, image);
}
void Color(const Operation& operation, const OperationContext& around, Image* image) {
  pixels::Saturation(operation.argument, image, around.scratch);
}
void Sharpness(const Operation& operation, const OperationContext& around, Image* image) {
  pixels::Sharpness(operation.argument, image, around.scratch);
}
void Blur(const Operation& operation, const OperationContext& around, Image* image) {
  pixels::GaussianBlur(operation.argument, image, around.scratch);
}
void Rotate(const Operation& operation, const OperationContext& around, Image* image) {
  pixels::Rotate(*image, operation.argument, operation.filter, around.fill, around.scratch);
  std::swap(*image, *around.scratch);
}
template <AffineMap (*MAP)(double, const Image&)>
void Mapped(const Operation& operation, const OperationContext& around, Image* image) {
  pixels::Affine(*image, MAP(operation.argument, *image), operation.filter, around.fill, around.scratch);
  std::swap(*image, *around.scratch);
}
AffineMap AcrossShear(double factor, const Image&) { return {.b = factor}; }
AffineMap DownShear(double factor, const Image&) { return {.d = factor}; }
AffineMap AcrossShift(double share, const Image& image) { return {.c = share * image.width}; }
AffineMap DownShift(double share, const Image& image) { return {.f = share * image.height}; }

constexpr OperationKind kOperations[] = {
    {"AutoContrast", nullptr, false, nullptr, Plain<pixels::AutoContrast>},
    {"Equalize", nullptr, false, nullptr, Plain<pixels::Equalize>},
    {"Invert", nullptr, false, nullptr, Plain<pixels::Invert>},
    {"Rotate", "degrees", true, Degrees, Rotate},
    {"Posterize", "bits", false, Bits, WithWhole<pixels::Posterize>},
    {"PosterizeIncreasing", "bits", false, FewerBits, WithWhole<pixels::Posterize>},
    {"Solarize", "threshold", false, Threshold, WithWhole<pixels::Solarize>},
    {"SolarizeIncreasing", "threshold", false, LowerThreshold, WithWhole<pixels::Solarize>},
    {"SolarizeAdd", "add", false, Added, WithWhole<pixels::SolarizeAdd>},
    {"Color", "factor", false, Factor, Color},
    {"ColorIncreasing", "factor", false, FactorFromOne, Color},
    {"Contrast", "factor", false, Factor, WithFactor<pixels::Contrast>},
    {"ContrastIncreasing", "factor", false, FactorFromOne, WithFactor<pixels::Contrast>},
    {"Brightness", "factor", false, Factor, WithFactor<pixels::Brightness>},
    {"BrightnessIncreasing", "factor", false, FactorFromOne, WithFactor<pixels::Brightness>},
    {"Sharpness", "factor", false, Factor, Sharpness},
    {"SharpnessIncreasing", "factor", false, FactorFromOne, Sharpness},
    {"ShearX", "factor", true, ShearFactor, Mapped<AcrossShear>},
    {"ShearY", "factor", true, ShearFactor, Mapped<DownShear>},
    {"TranslateXRel", "share", true, ShiftShare, Mapped<AcrossShift>},
    {"TranslateYRel", "share", true, ShiftShare, Mapped<DownShift>},
    {"Desaturate", "factor", false, GrayFactor, Color},
    {"GaussianBlur", "radius", false, BlurRadius, Blur},
};

}  // namespace

const OperationKind* FindOperation(absl::string_view name) {
  const auto* found = std::find_if(std::begin(kOperations), std::end(kOperations), [&](const auto& kind) { return kind.name == name; });
  return found == std::end(kOperations) ? nullptr : found;
}

}  // namespace deit::augment
