// Every operation against Pillow: golden/operations.txt (tests/parity/pixels.py).
#include <zlib.h>

#include <fstream>
#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/synthetic_image.h"
#include "tests/worker/pixels/golden_names.h"
#include "worker/pixels/affine.h"
#include "worker/pixels/enhance.h"
#include "worker/pixels/tone.h"

namespace deit::pixels {
namespace {

constexpr Colour kFill = {124, 116, 104};

using Operation = std::function<void(double argument, Filter filter, Image* image)>;

Operation Plain(void (*function)(Image*)) {
  return [function](double, Filter, Image* image) { function(image); };
}
Operation Whole(void (*function)(int, Image*)) {
  return [function](double argument, Filter, Image* image) { function(static_cast<int>(argument), image); };
}
Operation Factor(void (*function)(double, Image*)) {
  return [function](double argument, Filter, Image* image) { function(argument, image); };
}
Operation Mapped(AffineMap (*map)(double, const Image&)) {
  return [map](double argument, Filter filter, Image* image) {
    const Image in = *image;
    Affine(in, map(argument, in), filter, kFill, image);
  };
}

std::map<std::string, Operation> Operations() {
  return {
      {"AutoContrast", Plain(AutoContrast)},
      {"Equalize", Plain(Equalize)},
      {"Invert", Plain(Invert)},
      {"Posterize", Whole(Posterize)},
      {"Solarize", Whole(Solarize)},
      {"SolarizeAdd", Whole(SolarizeAdd)},
      {"Brightness", Factor(Brightness)},
      {"Contrast", Factor(Contrast)},
      {"Color",
       [](double factor, Filter, Image* image) {
         Image scratch;
         Saturation(factor, image, &scratch);
       }},
      {"Sharpness",
       [](double factor, Filter, Image* image) {
         Image scratch;
         Sharpness(factor, image, &scratch);
       }},
      {"GaussianBlur",
       [](double radius, Filter, Image* image) {
         Image scratch;
         GaussianBlur(radius, image, &scratch);
       }},
      {"Rotate",
       [](double degrees, Filter filter, Image* image) {
         const Image in = *image;
         Rotate(in, degrees, filter, kFill, image);
       }},
      {"ShearX", Mapped([](double f, const Image&) { return AffineMap{.b = f}; })},
      {"ShearY", Mapped([](double f, const Image&) { return AffineMap{.d = f}; })},
      {"TranslateXRel", Mapped([](double f, const Image& in) { return AffineMap{.c = f * in.width}; })},
      {"TranslateYRel", Mapped([](double f, const Image& in) { return AffineMap{.f = f * in.height}; })},
  };
}

// CRC-32 of what becomes of the script's PICTURES, one after the other.
unsigned long CrcOfAll(const std::function<void(Image*)>& operation) {
  unsigned long crc = 0;
  for (const auto texture : {testing::Texture::kNoise, testing::Texture::kSmooth, testing::Texture::kFlat}) {
    for (const int channels : {1, 3}) {
      for (const auto& [width, height] : {std::pair{1, 1}, {2, 5}, {3, 3}, {32, 32}, {31, 17}, {64, 48}}) {
        Image image = testing::SyntheticImage(width, height, channels, texture);
        operation(&image);
        crc = crc32(crc, image.pixels.data(), static_cast<unsigned>(image.pixels.size()));
      }
    }
  }
  return crc;
}

TEST(OperationsGoldenTest, EqualPillowAtEverySizeAndMagnitude) {
  const auto operations = Operations();
  std::ifstream file(DEIT_GOLDEN_DIR "/operations.txt");
  std::set<std::string> seen;
  std::string name, argument, filter, crc;
  while (file >> name >> argument >> filter >> crc) {
    const double value = std::stod(argument);
    const auto operation = [&](Image* image) { operations.at(name)(value, FilterNamed(filter), image); };
    EXPECT_EQ(CrcOfAll(operation), std::stoul(crc, nullptr, 16)) << name << " " << value << " " << filter;
    seen.insert(name);
  }
  EXPECT_EQ(seen.size(), operations.size());
}

}  // namespace
}  // namespace deit::pixels
