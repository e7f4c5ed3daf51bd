#include "common/models/model_tensors.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/models/model_catalog.h"
#include "tests/support/keyed_values.h"

namespace deit::models {
namespace {

using ::testing::ElementsAre;

v1::ModelSpec Resolved(const std::string& name) {
  v1::ModelSpec spec;
  spec.set_name(name);
  return *ResolveModel(spec);
}

std::string Listing(const std::vector<TensorSpec>& tensors) {
  std::string listing;
  for (const TensorSpec& tensor : tensors) {
    absl::StrAppend(&listing, tensor.name, " ", tensor.shape.empty() ? "scalar" : absl::StrJoin(tensor.shape, "x"), "\n");
  }
  return listing;
}

// What timm has of each published model; tests/parity/reference_models.py wrote it.
struct Reference {
  std::string name;
  size_t tensors;
  std::string listing;  // FNV-1a of names and shapes in state-dict order, in hexadecimal
  int64_t parameters;
  int64_t macs;
  int side;
};

std::vector<Reference> References() {
  std::ifstream file(std::string(DEIT_GOLDEN_DIR) + "/registry.txt");
  std::vector<Reference> references;
  for (Reference r; file >> r.name >> r.tensors >> r.listing >> r.parameters >> r.macs >> r.side;) references.push_back(r);
  return references;
}

TEST(RegistryTest, EachPublishedModelHasTimmsTensorsCostsAndInput) {
  const std::vector<Reference> references = References();
  for (const Reference& timm : references) {
    const v1::ModelSpec spec = Resolved(timm.name);
    const std::vector<TensorSpec> tensors = TensorsOf(spec);
    EXPECT_EQ(tensors.size(), timm.tensors) << timm.name;
    EXPECT_EQ(absl::StrCat(absl::Hex(KeyOf(Listing(tensors)), absl::kZeroPad16)), timm.listing) << timm.name;
    EXPECT_EQ(ParameterCount(tensors), timm.parameters) << timm.name;
    EXPECT_EQ(ParameterCount(spec), timm.parameters) << timm.name;
    EXPECT_EQ(static_cast<int64_t>(MacCount(spec)), timm.macs) << timm.name;
    EXPECT_EQ(spec.img_size(), timm.side) << timm.name;
  }
  EXPECT_EQ(references.size() + 10, ModelCatalog().size()) << "the seven families and vit-pytorch's three are not timm's";
}

// tests/parity/vit_pytorch_models.py wrote it: of students of several sizes, with and without DistillWrapper's token and head.
TEST(RegistryTest, VitPytorchsStudentsHaveItsTensorsAndCosts) {
  std::ifstream file(std::string(DEIT_GOLDEN_DIR) + "/vit_pytorch.txt");
  int models = 0;
  for (std::string line; std::getline(file, line); ++models) {
    v1::ModelSpec spec;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(line, &spec)) << line;
    spec = *ResolveModel(spec);
    size_t count = 0;
    int64_t parameters = 0;
    std::string listing, macs;
    file >> count >> listing >> parameters >> macs >> std::ws;
    std::vector<TensorSpec> tensors = TensorsOf(spec);
    std::sort(tensors.begin(), tensors.end(), [](const TensorSpec& a, const TensorSpec& b) { return a.name < b.name; });
    EXPECT_EQ(tensors.size(), count) << line;
    EXPECT_EQ(absl::StrCat(absl::Hex(KeyOf(Listing(tensors)), absl::kZeroPad16)), listing) << line << "\n" << Listing(tensors);
    EXPECT_EQ(ParameterCount(spec), parameters) << line;
    EXPECT_EQ(ParameterCount(tensors), parameters) << line;
    if (spec.distillation_token()) continue;
    EXPECT_EQ(absl::StrCat(static_cast<int64_t>(MacCount(spec))), macs) << line;
  }
  EXPECT_EQ(models, 15);
}

const TensorSpec& Find(const std::vector<TensorSpec>& tensors, const std::string& name) {
  for (const TensorSpec& tensor : tensors) {
    if (tensor.name == name) return tensor;
  }
  ADD_FAILURE() << name;
  return tensors[0];
}

void ExpectNormal(const std::vector<TensorSpec>& tensors, const std::string& name, double deviation) {
  const TensorSpec& tensor = Find(tensors, name);
  EXPECT_EQ(tensor.init, Init::kNormal) << name;
  EXPECT_NEAR(tensor.scale, deviation, 1e-12) << name;
}

void ExpectUniform(const std::vector<TensorSpec>& tensors, const std::string& name, double bound) {
  const TensorSpec& tensor = Find(tensors, name);
  EXPECT_EQ(tensor.init, Init::kUniform) << name;
  EXPECT_NEAR(tensor.scale, bound, 1e-12) << name;
}

std::vector<std::string> StartingAtZero(const std::vector<TensorSpec>& tensors, const std::string& suffix) {
  std::vector<std::string> names;
  for (const TensorSpec& tensor : tensors) {
    if (tensor.init == Init::kZeros && tensor.name.ends_with(suffix)) names.push_back(tensor.name);
  }
  return names;
}

// timm's ResNet.init_weights and torch.nn.Linear.reset_parameters.
TEST(InitialValuesTest, OfResnet) {
  const std::vector<TensorSpec> tensors = TensorsOf(Resolved("resnet50"));
  ExpectNormal(tensors, "conv1.weight", std::sqrt(2.0 / (64 * 49)));
  ExpectNormal(tensors, "layer4.0.downsample.0.weight", std::sqrt(2.0 / 2048));
  ExpectUniform(tensors, "fc.weight", 1 / std::sqrt(2048.0));
  ExpectUniform(tensors, "fc.bias", 1 / std::sqrt(2048.0));
  EXPECT_EQ(StartingAtZero(tensors, ".weight").size(), 16U);
  EXPECT_EQ(Find(tensors, "layer1.0.bn3.weight").init, Init::kZeros);
  EXPECT_EQ(Find(tensors, "layer1.0.downsample.1.weight").init, Init::kOnes);
  EXPECT_EQ(Find(TensorsOf(Resolved("resnet18")), "layer1.0.bn2.weight").init, Init::kZeros);
}

// timm's regnet._init_weights.
TEST(InitialValuesTest, OfRegnety) {
  const std::vector<TensorSpec> tensors = TensorsOf(Resolved("regnety_002"));
  ExpectNormal(tensors, "stem.conv.weight", std::sqrt(2.0 / (32 * 9)));
  ExpectNormal(tensors, "s1.b1.conv2.conv.weight", std::sqrt(2.0 / (8 * 9)));
  ExpectNormal(tensors, "head.fc.weight", 0.01);
  EXPECT_EQ(Find(tensors, "head.fc.bias").init, Init::kZeros);
  EXPECT_EQ(Find(tensors, "s1.b1.se.fc1.bias").init, Init::kZeros);
  EXPECT_EQ(StartingAtZero(tensors, ".weight").size(), 13U);
  EXPECT_EQ(Find(tensors, "s4.b7.conv3.bn.weight").init, Init::kZeros);
}

// timm's _init_weight_goog.
TEST(InitialValuesTest, OfEfficientnet) {
  const std::vector<TensorSpec> tensors = TensorsOf(Resolved("efficientnet_b0"));
  ExpectNormal(tensors, "conv_stem.weight", std::sqrt(2.0 / (32 * 9)));
  ExpectNormal(tensors, "blocks.2.0.conv_dw.weight", std::sqrt(2.0 / 25));
  ExpectUniform(tensors, "classifier.weight", 1 / std::sqrt(1000.0));
  EXPECT_THAT(StartingAtZero(tensors, ".weight"), ElementsAre());
}

// Tokens and positions do not decay, whatever their rank.
TEST(TensorsOfTest, OfVitPytorchOnlyMatricesDecayAndLinearLayersAreOperands) {
  for (const char* name : {"distillable_vit", "distillable_t2t_vit", "distillable_efficient_vit"}) {
    v1::ModelSpec spec = Resolved(name);
    spec.set_distillation_token(true);
    for (const TensorSpec& tensor : TensorsOf(spec)) {
      const bool token = tensor.name == "cls_token" || tensor.name == "pos_embedding" || tensor.name == "distillation_token";
      EXPECT_EQ(tensor.decay, tensor.shape.size() > 1 && !token) << tensor.name;
      EXPECT_FALSE(tensor.compute_precision && (token || tensor.name.find("norm") != std::string::npos)) << tensor.name;
    }
    EXPECT_TRUE(Find(TensorsOf(spec), "distill_mlp.1.weight").compute_precision);
  }
}

TEST(TensorsOfTest, OnlyMatricesAndKernelsDecayAndAreOperands) {
  for (const char* name : {"convnet", "resnet18", "regnety_002", "efficientnet_b0"}) {
    for (const TensorSpec& tensor : TensorsOf(Resolved(name))) {
      const bool matrix = tensor.shape.size() > 1;
      EXPECT_EQ(tensor.decay, matrix) << tensor.name;
      const bool norm = tensor.name.find("bn") != std::string::npos || tensor.name.find("downsample.1") != std::string::npos;
      EXPECT_EQ(tensor.compute_precision, matrix || !norm) << tensor.name;
    }
  }
}

}  // namespace
}  // namespace deit::models
