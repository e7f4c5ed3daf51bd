#include "common/models/network.h"

#include <gtest/gtest.h>

#include "common/models/network_builder.h"

namespace deit::models {
namespace {

// Counted by hand: an image of 9x9 and 3 channels; a 3x3 convolution of stride 2 in one group, then in 2 groups with bias.
TEST(NetworkTest, CostsAreThoseOfConvolutionsNormsAndLinearLayers) {
  NetworkBuilder net(3, 9);
  int x = net.Convolution("a", kImage, 4, {.size = 3, .stride = 2});
  EXPECT_EQ(net.side(x), 5);
  x = net.Relu(net.BatchNorm("b", x));
  x = net.Convolution("c", x, 6, {.size = 3, .groups = 2, .bias = true});
  x = net.MaxPool(x);
  EXPECT_EQ(net.side(x), 3);
  x = net.MeanPool(x);
  EXPECT_EQ(net.side(x), 1);
  net.Linear("d", x, 10, {});
  const Network network = net.Take();
  const Cost cost = CostOf(network);
  EXPECT_EQ(cost.parameters, 4 * 3 * 9 + 2 * 4 + 6 * 2 * 9 + 6 + 7 * 10);
  EXPECT_EQ(cost.macs, 4 * 3 * 9 * 25 + 6 * 2 * 9 * 25 + 60);
  EXPECT_EQ(FewestNormalisedPixels(network), 25);
}

TEST(NetworkTest, SqueezeExciteGatesItsInput) {
  NetworkBuilder net(8, 4);
  const int x = net.Convolution("a", kImage, 8, {});
  const int gate = net.SqueezeExcite("r", "e", x, 2, Op::kSilu);
  const Network network = net.Take();
  const Step& last = network[static_cast<size_t>(gate)];
  EXPECT_EQ(last.op, Op::kGate);
  EXPECT_EQ(last.input, x);
  EXPECT_EQ(last.side, 4);
  EXPECT_EQ(network[static_cast<size_t>(last.other)].name, "e");
  EXPECT_EQ(network[static_cast<size_t>(last.other)].side, 1);
  EXPECT_EQ(FewestNormalisedPixels(network), 0);
}

}  // namespace
}  // namespace deit::models
