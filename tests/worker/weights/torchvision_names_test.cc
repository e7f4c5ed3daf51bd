#include "worker/weights/torchvision_names.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/models/model_tensors.h"
#include "tests/support/keyed_values.h"

namespace deit::weights {
namespace {

v1::ModelSpec Resolved(const std::string& name) {
  v1::ModelSpec model;
  model.set_name(name);
  return *models::ResolveModel(model);
}

// Names and shapes under torchvision's names, sorted.
std::string Listing(const v1::ModelSpec& model) {
  std::vector<std::string> lines;
  for (const models::TensorSpec& tensor : models::TensorsOf(model)) {
    const std::string shape = tensor.shape.empty() ? "scalar" : absl::StrJoin(tensor.shape, "x");
    lines.push_back(absl::StrCat(TorchvisionName(models::FamilyOf(model), tensor.name), " ", shape, "\n"));
  }
  std::sort(lines.begin(), lines.end());
  return absl::StrJoin(lines, "");
}

// golden/torchvision.txt, by tests/parity/list_torchvision.py: our model, torchvision's, FNV-1a of its sorted names and shapes.
TEST(TorchvisionNameTest, GivesAllNamesOfTorchvisionsModels) {
  std::ifstream file(std::string(DEIT_GOLDEN_DIR) + "/torchvision.txt");
  int models = 0;
  for (std::string ours, theirs, listing; file >> ours >> theirs >> listing; ++models) {
    EXPECT_EQ(absl::StrCat(absl::Hex(KeyOf(Listing(Resolved(ours))), absl::kZeroPad16)), listing) << ours << " and " << theirs;
  }
  EXPECT_GE(models, 15);
}

TEST(TorchvisionNameTest, RenamesWhatIsNamedOtherwise) {
  EXPECT_EQ(TorchvisionName(models::Family::kVit, "blocks.11.attn.qkv.bias"),
            "encoder.layers.encoder_layer_11.self_attention.in_proj_bias");
  EXPECT_EQ(TorchvisionName(models::Family::kRegnety, "s3.b11.conv2.bn.running_var"), "trunk_output.block3.block3-10.f.b.1.running_var");
  EXPECT_EQ(TorchvisionName(models::Family::kEfficientnet, "blocks.0.0.conv_pw.weight"), "features.1.0.block.2.0.weight");
  EXPECT_EQ(TorchvisionName(models::Family::kEfficientnet, "blocks.2.1.se.conv_expand.bias"), "features.3.1.block.2.fc2.bias");
  EXPECT_EQ(TorchvisionName(models::Family::kResnet, "layer1.0.conv1.weight"), "layer1.0.conv1.weight");
}

TEST(TorchvisionNameTest, KeepsWhatIsNoNameOfItsFamily) {
  for (const auto family : {models::Family::kVit, models::Family::kRegnety, models::Family::kEfficientnet}) {
    for (const char* name : {"", ".", "blocks", "blocks.", "blocks.1", "s1", "s1.", "s1.b", "s1.b1", "s1.bx.conv1", "..."}) {
      EXPECT_EQ(TorchvisionName(family, name), name);
    }
  }
  EXPECT_EQ(TorchvisionName(models::Family::kEfficientnet, "blocks.x.y.z"), "blocks.x.y.z");
}

TEST(TorchvisionVarianceOffsetTest, IsThatOfTheLargeEfficientnets) {
  EXPECT_EQ(TorchvisionVarianceOffset(Resolved("efficientnet_b4")), 0);
  EXPECT_DOUBLE_EQ(TorchvisionVarianceOffset(Resolved("efficientnet_b5")), 0.00099);
  EXPECT_EQ(TorchvisionVarianceOffset(Resolved("resnet50")), 0);
}

}  // namespace
}  // namespace deit::weights
