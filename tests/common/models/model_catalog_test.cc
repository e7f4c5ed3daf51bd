#include "common/models/model_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::models {
namespace {

using ::testing::ElementsAre;

v1::ModelSpec Named(const std::string& name) {
  v1::ModelSpec model;
  model.set_name(name);
  return model;
}

v1::ModelSpec Resolved(const v1::ModelSpec& model) {
  const auto resolved = ResolveModel(model);
  EXPECT_TRUE(resolved.ok()) << resolved.status();
  return resolved.ok() ? *resolved : model;
}

struct Published {
  const char* name;
  int64_t parameters;
  const char* gmacs;
};

std::string Gmacs(const v1::ModelSpec& model) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", MacCount(model) * 1e-9);
  return text;
}

// Counted with timm 0.3.2 and timm's main branch.
TEST(ModelCatalogTest, PublishedModelsHaveTheirPublishedCosts) {
  constexpr Published kPublished[] = {
      {"deit_tiny_patch16_224", 5717416, "1.254"},
      {"deit_small_patch16_224", 22050664, "4.599"},
      {"deit_base_patch16_224", 86567656, "17.564"},
      {"deit_base_patch16_384", 86859496, "55.484"},
      {"deit_tiny_distilled_patch16_224", 5910800, "1.261"},
      {"deit_small_distilled_patch16_224", 22436432, "4.624"},
      {"deit_base_distilled_patch16_224", 87338192, "17.657"},
      {"deit_base_distilled_patch16_384", 87630032, "55.591"},
      {"vit_tiny_patch16_224", 5717416, "1.254"},
      {"vit_small_patch16_224", 22050664, "4.599"},
      {"vit_base_patch16_224", 86567656, "17.564"},
      {"vit_large_patch16_224", 304326632, "61.555"},
      {"regnety_002", 3162996, "0.200"},
      {"regnety_004", 4344144, "0.402"},
      {"regnety_008", 6263168, "0.797"},
      {"regnety_040", 20646656, "3.973"},
      {"regnety_080", 39180068, "7.963"},
      {"regnety_120", 51822544, "12.092"},
      {"regnety_160", 83590140, "15.912"},
      {"resnet50", 25557032, "4.089"},
      {"efficientnet_b0", 5288548, "0.386"},
  };
  for (const Published& published : kPublished) {
    const v1::ModelSpec model = Resolved(Named(published.name));
    EXPECT_EQ(ParameterCount(model), published.parameters) << published.name;
    EXPECT_EQ(Gmacs(model), published.gmacs) << published.name;
  }
}

// vit-pytorch's README; counted with vit-pytorch.
TEST(ModelCatalogTest, VitPytorchsStudentsHaveTheSizesOfItsReadme) {
  EXPECT_EQ(ParameterCount(Resolved(Named("distillable_t2t_vit"))), 23465986);
  v1::ModelSpec distilled = Named("distillable_t2t_vit");
  distilled.set_distillation_token(true);
  EXPECT_EQ(ParameterCount(Resolved(distilled)), 23465986 + 512 + 513 * 1000) << "DistillWrapper's token and head";
  EXPECT_TRUE(IsDistilled(Resolved(distilled)));
  EXPECT_FALSE(IsDistilled(Resolved(Named("distillable_t2t_vit"))));
  for (const char* name : {"distillable_vit", "distillable_t2t_vit", "distillable_efficient_vit"}) {
    EXPECT_TRUE(IsVitPytorch(FamilyOf(Resolved(Named(name))))) << name;
  }
  EXPECT_FALSE(IsVitPytorch(Family::kDeitDistilled));
}

TEST(ModelCatalogTest, EveryEntryResolvesToItself) {
  for (const CatalogEntry& entry : ModelCatalog()) {
    EXPECT_EQ(Resolved(Named(entry.name)).SerializeAsString(), entry.sizes.SerializeAsString());
  }
}

TEST(ModelCatalogTest, OwnFieldsOverridePublishedOnes) {
  v1::ModelSpec model = Named("deit_small_patch16_224");
  model.set_depth(2);
  model.set_num_classes(10);
  EXPECT_EQ(Resolved(model).depth(), 2);
  EXPECT_EQ(Resolved(model).embed_dim(), 384);
  EXPECT_EQ(Resolved(model).num_classes(), 10);
}

TEST(ModelCatalogTest, OwnStagesReplacePublishedOnes) {
  v1::ModelSpec model = Named("regnety_160");
  for (const int depth : {1, 1}) model.add_depths(depth);
  for (const int width : {112, 224}) model.add_widths(width);
  const v1::ModelSpec resolved = Resolved(model);
  EXPECT_THAT(resolved.depths(), ElementsAre(1, 1));
  EXPECT_THAT(resolved.widths(), ElementsAre(112, 224));
  EXPECT_EQ(resolved.group_width(), 112);
}

TEST(ModelCatalogTest, FamiliesKnowTheirToken) {
  EXPECT_TRUE(IsDistilled(Resolved(Named("deit_distilled"))));
  EXPECT_TRUE(IsDistilled(Resolved(Named("deit_base_distilled_patch16_384"))));
  EXPECT_FALSE(IsDistilled(Resolved(Named("deit"))));
  EXPECT_EQ(FamilyOf(Resolved(Named("convnet"))), Family::kConvnet);
}

// Counted by hand: (1*16 + 16*32 + 32*32 + 32*64 + 64*64) * 9 weights, 2 * (16 + 32 + 32 + 64 + 64) of norms, 65 * 10 of the head;
// at 28, 14, 14, 7, 7 pixels.
TEST(ModelCatalogTest, ConvnetCosts) {
  v1::ModelSpec model = Named("convnet");
  model.set_in_chans(1);
  model.set_img_size(28);
  model.set_num_classes(10);
  const v1::ModelSpec resolved = Resolved(model);
  EXPECT_THAT(resolved.widths(), ElementsAre(16, 32, 64));
  EXPECT_FALSE(resolved.has_embed_dim());
  EXPECT_EQ(ParameterCount(resolved), 69264 + 416 + 650);
  EXPECT_EQ(MacCount(resolved), 9 * (16 * 784 + (16 * 32 + 32 * 32) * 196 + (32 * 64 + 64 * 64) * 49) + 640);
}

TEST(ModelCatalogTest, AModelThatNoMachineHoldsIsRefused) {
  v1::ModelSpec model = Named("vit");
  model.set_embed_dim(65536);
  model.set_num_heads(1024);
  model.set_depth(1024);
  const Status status = ResolveModel(model).status();
  EXPECT_EQ(status.message(), "name: \"vit\": 52777559589864 parameters: want at most 100000000000");
  model.set_depth(1);
  EXPECT_TRUE(ResolveModel(model).ok());
}

TEST(ModelCatalogTest, AnOddSideHalvesUpwards) {
  v1::ModelSpec model = Named("convnet");
  model.set_img_size(7);
  model.add_widths(1);
  model.add_widths(1);
  model.set_in_chans(1);
  model.set_num_classes(2);
  EXPECT_EQ(MacCount(Resolved(model)), 9 * (49 + 16 + 16) + 2);
}

}  // namespace
}  // namespace deit::models
