#include "worker/augment/operation.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/support/synthetic_image.h"

namespace deit::augment {
namespace {

using plan::RandomStream;

// Every value that an operation's argument takes at this magnitude.
std::set<double> Arguments(const char* name, double magnitude) {
  std::set<double> arguments;
  for (uint64_t i = 0; i < 40; ++i) {
    RandomStream random(1, i, plan::Purpose::kAugment);
    arguments.insert(FindOperation(name)->argument(magnitude, &random));
  }
  return arguments;
}

void ExpectArguments(const char* name, double magnitude, std::vector<double> expected) {
  const auto arguments = Arguments(name, magnitude);
  ASSERT_EQ(arguments.size(), expected.size()) << name;
  size_t i = 0;
  for (const double argument : arguments) EXPECT_NEAR(argument, expected[i++], 1e-12) << name;
}

TEST(OperationTest, ArgumentsAreTimmsAtNine) {  // deit-facts 3f
  ExpectArguments("Rotate", 9, {-27, 27});
  ExpectArguments("PosterizeIncreasing", 9, {1});
  ExpectArguments("Posterize", 9, {3});
  ExpectArguments("SolarizeIncreasing", 9, {26});
  ExpectArguments("Solarize", 9, {230});
  ExpectArguments("SolarizeAdd", 9, {99});
  ExpectArguments("ColorIncreasing", 9, {0.19, 1.81});
  ExpectArguments("Contrast", 9, {1.72});
  ExpectArguments("ShearX", 9, {-0.27, 0.27});
  ExpectArguments("TranslateYRel", 9, {-0.405, 0.405});
  ExpectArguments("Desaturate", 9, {0.05});
}

TEST(OperationTest, StaysInRangeAtTheLargestMagnitudes) {
  ExpectArguments("PosterizeIncreasing", 10, {0});
  ExpectArguments("PosterizeIncreasing", 100, {0});
  ExpectArguments("Posterize", 100, {8});
  ExpectArguments("SolarizeIncreasing", 100, {0});
  ExpectArguments("SolarizeAdd", 100, {128});
  ExpectArguments("BrightnessIncreasing", 100, {0.1, 10});
  ExpectArguments("GaussianBlur", 100, {2});
  ExpectArguments("Desaturate", 100, {0});
}

// Whatever the argument, each operation stands every size, gray and RGB.
TEST(OperationTest, EveryOperationStandsEveryMagnitudeAndSize) {
  const char* const names[] = {"AutoContrast",
                               "Equalize",
                               "Invert",
                               "Rotate",
                               "Posterize",
                               "PosterizeIncreasing",
                               "Solarize",
                               "SolarizeIncreasing",
                               "SolarizeAdd",
                               "Color",
                               "ColorIncreasing",
                               "Contrast",
                               "ContrastIncreasing",
                               "Brightness",
                               "BrightnessIncreasing",
                               "Sharpness",
                               "SharpnessIncreasing",
                               "ShearX",
                               "ShearY",
                               "TranslateXRel",
                               "TranslateYRel",
                               "Desaturate",
                               "GaussianBlur"};
  pixels::Image scratch;
  const OperationContext around{{124, 116, 104}, &scratch};
  for (const char* name : names) {
    const OperationKind* kind = FindOperation(name);
    ASSERT_NE(kind, nullptr) << name;
    for (const double magnitude : {0.0, 4.5, 10.0, 100.0}) {
      for (const int channels : {1, 3}) {
        for (const auto& [width, height] : {std::pair{1, 1}, {2, 2}, {7, 3}, {20, 20}}) {
          for (const auto filter : {pixels::Filter::kNearest, pixels::Filter::kBilinear, pixels::Filter::kBicubic}) {
            RandomStream random(1, 1, plan::Purpose::kAugment);
            Operation operation{.kind = kind, .argument = 0, .filter = filter};
            if (kind->argument != nullptr) operation.argument = kind->argument(magnitude, &random);
            pixels::Image image = testing::SyntheticImage(width, height, channels);
            kind->apply(operation, around, &image);
            EXPECT_EQ(image.width, width);
            EXPECT_EQ(image.pixels.size(), static_cast<size_t>(width * height * channels)) << name;
          }
        }
      }
    }
  }
}

TEST(OperationTest, NoneOfThatName) { EXPECT_EQ(FindOperation("Cutout"), nullptr); }

}  // namespace
}  // namespace deit::augment
