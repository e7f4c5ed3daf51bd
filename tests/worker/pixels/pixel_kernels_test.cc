#include "worker/pixels/pixel_kernels.h"

#include <gtest/gtest.h>

#include "tests/support/synthetic_image.h"
#include "worker/pixels/affine.h"
#include "worker/pixels/enhance.h"
#include "worker/pixels/resize.h"

namespace deit::pixels {
namespace {

using ::deit::testing::SyntheticImage;

constexpr std::pair<int, int> kSizes[] = {{1, 1}, {2, 7}, {16, 16}, {33, 65}, {100, 41}};

// What Pillow's own pictures are too few to show: every size and phase, the same bytes whatever the processor.
TEST(KernelsTest, ResizeIsTheSameOnEveryProcessor) {
  Resizer portable(PortableKernels()), native(NativeKernels());
  Image a, b;
  for (const auto& [width, height] : kSizes) {
    for (const int channels : {1, 3}) {
      for (const int size : {1, 5, 22, 43, 97}) {
        for (const Filter filter : {Filter::kBicubic, Filter::kLanczos}) {
          const Image in = SyntheticImage(width, height, channels);
          portable.Resize(in, {0, 0, width, height}, size, size, {0, 0, size, size}, filter, &a);
          native.Resize(in, {0, 0, width, height}, size, size, {0, 0, size, size}, filter, &b);
          EXPECT_EQ(a.pixels, b.pixels) << width << " x " << height << " x " << channels << " -> " << size;
        }
      }
    }
  }
}

TEST(KernelsTest, AffineMapsAreTheSameOnEveryProcessor) {
  Image a, b;
  for (const auto& [width, height] : kSizes) {
    for (const int channels : {1, 3}) {
      const Image in = SyntheticImage(width, height, channels);
      for (int k = 0; k < 60; ++k) {
        const Filter filter = k % 2 == 0 ? Filter::kBicubic : Filter::kBilinear;
        Rotate(in, 7.3 * k, filter, {1, 2, 3}, &a, PortableKernels());
        Rotate(in, 7.3 * k, filter, {1, 2, 3}, &b, NativeKernels());
        EXPECT_EQ(a.pixels, b.pixels) << width << " x " << height << " x " << channels << ": " << 7.3 * k;
        const AffineMap shift{1, 0, 0.37 * k - 10, 0.01 * k, 1, 3.7 - 0.11 * k};
        Affine(in, shift, filter, {1, 2, 3}, &a, PortableKernels());
        Affine(in, shift, filter, {1, 2, 3}, &b, NativeKernels());
        EXPECT_EQ(a.pixels, b.pixels) << width << " x " << height << " x " << channels << ": " << k;
      }
    }
  }
}

TEST(KernelsTest, EnhancementIsTheSameOnEveryProcessor) {
  Image scratch;
  for (const auto& [width, height] : kSizes) {
    for (const int channels : {1, 3}) {
      for (int k = 0; k < 40; ++k) {
        Image a = SyntheticImage(width, height, channels), b = a;
        Saturation(0.0517 * k, &a, &scratch, PortableKernels());
        Saturation(0.0517 * k, &b, &scratch, NativeKernels());
        EXPECT_EQ(a.pixels, b.pixels) << width << " x " << height << " x " << channels << ": " << k;
        Sharpness(0.0517 * k, &a, &scratch, PortableKernels());
        Sharpness(0.0517 * k, &b, &scratch, NativeKernels());
        EXPECT_EQ(a.pixels, b.pixels) << width << " x " << height << " x " << channels << ": " << k;
      }
    }
  }
}

}  // namespace
}  // namespace deit::pixels
