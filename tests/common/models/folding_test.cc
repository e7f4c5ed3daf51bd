#include "common/models/folding.h"

#include <gtest/gtest.h>

#include "common/models/network_builder.h"
#include "common/models/resnet.h"
#include "proto/spec.pb.h"

namespace deit::models {
namespace {

TEST(FoldBatchNormsTest, GivesConvolutionsTheNormBehindThem) {
  v1::ModelSpec model;
  for (const int width : {8, 16}) model.add_widths(width);
  for (const int depth : {1, 2}) model.add_depths(depth);
  const Network network = Resnet(model);
  const Folding folding = FoldBatchNorms(network);
  ASSERT_EQ(folding.origins.size(), folding.network.size());
  size_t norms = 0;
  for (const Step& step : network) norms += step.op == Op::kBatchNorm ? 1 : 0;
  EXPECT_EQ(folding.network.size(), network.size() - norms);
  for (size_t s = 0; s < folding.network.size(); ++s) {
    const Step& step = folding.network[s];
    const FoldedStep& origin = folding.origins[s];
    EXPECT_NE(step.op, Op::kBatchNorm);
    EXPECT_EQ(step.name, network[static_cast<size_t>(origin.step)].name);
    EXPECT_LT(step.input, static_cast<int>(s));
    EXPECT_EQ(origin.norm >= 0, step.op == Op::kConvolution);
    if (step.op != Op::kConvolution) continue;
    EXPECT_TRUE(step.has_bias);
    EXPECT_EQ(network[static_cast<size_t>(origin.norm)].input, origin.step);
  }
}

TEST(FoldBatchNormsTest, LeavesANormWhoseConvolutionHasABiasOrAnotherReader) {
  NetworkBuilder net(3, 8);
  const int shared = net.Convolution("a", kImage, 4, {});
  const int normed = net.BatchNorm("b", shared);
  const int biased = net.Convolution("c", net.Add(normed, shared), 4, {.bias = true});
  const int twice = net.BatchNorm("e", net.BatchNorm("d", biased));
  net.Linear("f", net.MeanPool(twice), 2, {});
  const Network network = net.Take();
  const Folding folding = FoldBatchNorms(network);
  ASSERT_EQ(folding.network.size(), network.size());
  for (size_t s = 0; s < network.size(); ++s) {
    EXPECT_EQ(folding.origins[s].step, static_cast<int>(s));
    EXPECT_EQ(folding.origins[s].norm, -1);
    EXPECT_EQ(folding.network[s].input, network[s].input);
  }
}

}  // namespace
}  // namespace deit::models
