#include "worker/pixels/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::pixels {
namespace {

using ::testing::ElementsAre;

TEST(ConvertChannelsTest, ReplicatesGrayAndWeighsRgbAsPillow) {
  Image image;
  image.Reset(2, 1, 1);
  image.pixels = {5, 250};
  ConvertChannels(3, &image);
  EXPECT_EQ(image.channels, 3);
  EXPECT_THAT(image.pixels, ElementsAre(5, 5, 5, 250, 250, 250));
  image.pixels = {10, 20, 30, 255, 255, 255};
  ConvertChannels(1, &image);
  EXPECT_EQ(image.channels, 1);
  EXPECT_THAT(image.pixels, ElementsAre(18, 255));
}

TEST(ConvertChannelsDeathTest, KnowsGrayAndRgbAlone) {
  Image image;
  image.Reset(2, 1, 1);
  EXPECT_DEATH(ConvertChannels(2, &image), "channels");
}

}  // namespace
}  // namespace deit::pixels
