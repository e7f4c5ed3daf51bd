#include "coordinator/api/timm_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json/message_json.h"
#include "common/spec/load.h"

namespace deit::api {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(TimmConfigTest, FamiliesBecomeArchitecturesWithTheirSizes) {
  const auto config = [](const std::vector<std::string>& overrides) {
    const StatusOr<v1::JobSpec> job = spec::LoadSpec("", overrides);
    EXPECT_TRUE(job.ok()) << job.status();
    const auto timm = TimmConfig(*job);
    return timm ? json::ToSpacedJsonLine(*timm) : "none";
  };
  const std::string distilled =
      config({"model.name=deit_distilled", "model.num_classes=10", "model.img_size=28", "model.in_chans=1", "model.patch_size=7",
              "model.embed_dim=64", "model.depth=4", "model.num_heads=4", "data.mean=0.286", "data.std=0.5"});
  EXPECT_THAT(distilled, AllOf(HasSubstr("\"architecture\": \"deit_tiny_distilled_patch16_224\""), HasSubstr("\"in_chans\": 1"),
                               HasSubstr("\"mlp_ratio\": 4"), HasSubstr("\"input_size\": [1, 28, 28]"), HasSubstr("\"mean\": [0.286]"),
                               HasSubstr("[\"head\", \"head_dist\"]")));
  EXPECT_THAT(config({"model.name=vit"}), AllOf(HasSubstr("\"vit_tiny_patch16_224\""), HasSubstr("\"classifier\": \"head\"")));
  EXPECT_THAT(config({"model.name=deit_small_patch16_224"}),
              AllOf(HasSubstr("\"deit_small_patch16_224\""), HasSubstr("\"embed_dim\": 384")));
  EXPECT_EQ(config({"model.name=convnet"}), "none");
  EXPECT_THAT(config({"model.name=resnet50", "model.depths=1,1,2,1", "model.num_classes=10", "train.batch_size=512"}),
              AllOf(HasSubstr("\"resnet50\""), HasSubstr("\"layers\": [1, 1, 2, 1], \"channels\": [64, 128, 256, 512]}"),
                    HasSubstr("\"classifier\": \"fc\""), HasSubstr("\"fixed_input_size\": false")));
  EXPECT_THAT(config({"model.name=regnety", "model.num_classes=10", "model.img_size=64"}), HasSubstr("\"regnety_002\""));
  EXPECT_EQ(config({"model.name=regnety_160", "model.depths=1,1,1,1"}), "none");
  EXPECT_EQ(config({"model.name=resnet50", "model.depths=1,1", "model.widths=8,8"}), "none");
  EXPECT_THAT(config({"model.name=efficientnet_b3"}), HasSubstr("\"efficientnet_b3\""));
}

}  // namespace
}  // namespace deit::api
