#include "worker/weights/tensor_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::weights {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(TensorNamesTest, MachineWordsGoFromAnywhere) {
  EXPECT_EQ(WithoutMachineWords("_orig_mod.a"), "a");
  EXPECT_EQ(WithoutMachineWords("module._orig_mod.blocks.0._orig_mod._checkpoint_wrapped_module.a"), "module.blocks.0.a");
  EXPECT_EQ(WithoutMachineWords("_fsdp_wrapped_module.a"), "a");
  EXPECT_EQ(WithoutMachineWords("a.module.b"), "a.module.b");
}

TEST(TensorNamesTest, PrefixesAreWordsThatWrappersUse) {
  EXPECT_THAT(WrapperPrefixes("module.model.a"), ElementsAre("module.model.", "module."));
  EXPECT_THAT(WrapperPrefixes("timm_model.head.bias"), ElementsAre("timm_model."));
  EXPECT_THAT(WrapperPrefixes("a.module.b"), IsEmpty());
  EXPECT_THAT(WrapperPrefixes(""), IsEmpty());
  EXPECT_EQ(WrapperPrefixes("net.net.net.net.net.net.a").size(), 4U);
}

TEST(TensorNamesTest, SomeNamesTellTheModel) {
  EXPECT_EQ(ModelOfNames({"vision_model.encoder.layers.0.a"}), "a CLIP or SigLIP of Hugging Face");
  EXPECT_EQ(ModelOfNames({"x", "model.layers.0.blocks.0.attn.relative_position_bias_table"}), "a Swin Transformer or BEiT");
  EXPECT_EQ(ModelOfNames({"vit.embeddings.patch_embeddings.projection.bias"}), "a ViT or DeiT of Hugging Face");
  EXPECT_EQ(ModelOfNames({"x", ""}), "");
}

}  // namespace
}  // namespace deit::weights
