#include "common/models/activation_size.h"

#include <gtest/gtest.h>

#include <limits>

#include "common/models/model_catalog.h"

namespace deit::models {
namespace {

v1::ModelSpec Model(const std::string& name, int img_size = 0) {
  v1::ModelSpec model;
  model.set_name(name);
  if (img_size > 0) model.set_img_size(img_size);
  return ResolveModel(model).value();
}

// Values of this definition: a change of one changes last bits of evaluations and of teachers' outputs.
TEST(ActivationSizeTest, ImagesOfAPassAreFixed) {
  EXPECT_EQ(ImagesPerPass(Model("deit_tiny_distilled_patch16_224")), 28);
  EXPECT_EQ(ImagesPerPass(Model("deit_small_distilled_patch16_224")), 15);
  EXPECT_EQ(ImagesPerPass(Model("deit_base_distilled_patch16_224")), 7);
  EXPECT_EQ(ImagesPerPass(Model("deit_base_distilled_patch16_384")), 2);
  EXPECT_EQ(ImagesPerPass(Model("resnet50")), 13);
  EXPECT_EQ(ImagesPerPass(Model("regnety_160")), 5);
  EXPECT_EQ(ImagesPerPass(Model("efficientnet_b7")), 1);
  EXPECT_EQ(ImagesPerPass(Model("convnet", 28)), 32);
}

TEST(ActivationSizeTest, EveryModelHasImagesThatFit) {
  for (const CatalogEntry& entry : ModelCatalog()) {
    const v1::ModelSpec model = Model(entry.name);
    const ActivationSize size = ActivationsOf(model, v1::FP32), half = ActivationsOf(model, v1::BF16);
    EXPECT_GT(size.evaluation, 0) << entry.name;
    EXPECT_GT(size.training, size.evaluation / 2) << entry.name;
    EXPECT_EQ(half.evaluation, size.evaluation) << entry.name;
    const int64_t images = ImagesPerPass(model);
    if (images == std::numeric_limits<int64_t>::max()) continue;
    EXPECT_TRUE(images == 1 || images * size.evaluation <= kPassBytes) << entry.name;
    EXPECT_TRUE(images == kMostImagesPerPass || (images + 1) * size.evaluation > kPassBytes) << entry.name;
  }
}

TEST(ActivationSizeTest, ANystromformerTakesItsChunkWhole) {
  EXPECT_EQ(ImagesPerPass(Model("distillable_efficient_vit")), std::numeric_limits<int64_t>::max());
}

TEST(ActivationSizeTest, MoreDepthIsKeptForBackwardOnly) {
  v1::ModelSpec model = Model("deit_small_patch16_224");
  const ActivationSize shallow = ActivationsOf(model, v1::FP32);
  model.set_depth(24);
  const ActivationSize deep = ActivationsOf(model, v1::FP32);
  EXPECT_EQ(deep.evaluation, shallow.evaluation);
  EXPECT_GT(static_cast<double>(deep.training), 1.8 * static_cast<double>(shallow.training));
}

TEST(ActivationSizeTest, AResultIsAliveUntilItsLastReader) {
  v1::ModelSpec model = Model("resnet18");
  const int64_t pixels = int64_t{3} * 224 * 224, stem = int64_t{64} * 112 * 112;
  EXPECT_EQ(ActivationsOf(model, v1::FP32).evaluation, 4 * (pixels + 2 * stem))
      << "the stem's convolution and what its batch norm makes of it";
}

}  // namespace
}  // namespace deit::models
