#include "coordinator/api/vit_pytorch_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json/message_json.h"
#include "common/spec/load.h"
#include "coordinator/api/timm_config.h"

namespace deit::api {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(VitPytorchConfigTest, NamesTheClassAndItsArguments) {
  const auto config = [](const std::vector<std::string>& overrides) {
    const StatusOr<v1::JobSpec> job = spec::LoadSpec("", overrides);
    EXPECT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(TimmConfig(*job), std::nullopt);
    return json::ToSpacedJsonLine(VitPytorchConfig(*job));
  };
  EXPECT_THAT(
      config({"model.name=distillable_vit", "model.num_classes=10"}),
      AllOf(HasSubstr("\"library\": \"vit-pytorch\""),
            HasSubstr("\"architecture\": \"vit_pytorch.vit.ViT\", \"model_args\": {\"image_size\": 256, \"num_classes\": 10, \"dim\": "
                      "1024, \"channels\": 3, \"patch_size\": 32, \"depth\": 6, \"heads\": 8, \"dim_head\": 64, \"mlp_dim\": 2048}"),
            HasSubstr("\"pretrained_cfg\": {\"input_size\": [3, 256, 256], \"num_classes\": 10, \"mean\": [0.5, 0.5, 0.5]")));
  EXPECT_THAT(config({"model.name=distillable_t2t_vit"}),
              AllOf(HasSubstr("vit_pytorch.t2t.T2TViT"), HasSubstr("\"t2t_layers\": [[7, 4], [3, 2], [3, 2]]}")));
  EXPECT_THAT(config({"model.name=distillable_efficient_vit"}),
              AllOf(HasSubstr("vit_pytorch.efficient.ViT"),
                    HasSubstr("\"transformer\": {\"architecture\": \"nystrom_attention.Nystromformer\", \"model_args\": {\"dim\": 512, "
                              "\"depth\": 12, \"heads\": 8, \"dim_head\": 64, \"num_landmarks\": 256}}")));
  EXPECT_THAT(config({"model.name=distillable_efficient_vit", "model.transformer=PLAIN"}),
              HasSubstr("\"vit_pytorch.vit.Transformer\", \"model_args\": {\"dim\": 512, \"depth\": 12, \"heads\": 8, \"dim_head\": 64, "
                        "\"mlp_dim\": 2048}"));
}

}  // namespace
}  // namespace deit::api
