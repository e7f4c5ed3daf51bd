#include "worker/weights/weights_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/models/model_catalog.h"
#include "common/models/model_tensors.h"
#include "worker/weights/huggingface_names.h"
#include "worker/weights/torchvision_names.h"
#include "worker/weights/wrapper_names.h"

namespace deit::weights {
namespace {

using checkpoint::Dtype;
using checkpoint::TensorInfo;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::ModelSpec Small(const std::string& name) {
  v1::ModelSpec model;
  model.set_name(name);
  model.set_num_classes(10);
  model.set_img_size(32);
  model.set_patch_size(8);
  model.set_embed_dim(8);
  model.set_num_heads(2);
  model.set_depth(1);
  return *models::ResolveModel(model);
}

v1::ModelSpec Adapted(v1::ModelSpec model, const std::vector<v1::ModelSpec::Adaptation>& adaptations) {
  for (const auto adaptation : adaptations) model.add_adapt(adaptation);
  return model;
}

// What a file of this model's weights holds; `name` gives each its name there.
template <typename Name>
std::vector<TensorInfo> FileOf(const v1::ModelSpec& model, Name name) {
  std::vector<TensorInfo> file;
  for (const models::TensorSpec& tensor : models::TensorsOf(model)) {
    const bool count = tensor.role == models::TensorRole::kBatchesTracked;
    file.push_back({.name = name(tensor.name),
                    .dtype = count ? Dtype::kI64 : Dtype::kF32,
                    .shape = {tensor.shape.begin(), tensor.shape.end()},
                    .elements = static_cast<uint64_t>(tensor.size())});
  }
  return file;
}

std::vector<TensorInfo> FileOf(const v1::ModelSpec& model) {
  return FileOf(model, [](const std::string& name) { return name; });
}

Plan PlanFor(const std::vector<TensorInfo>& file, const v1::ModelSpec& model) {
  return PlanWeights(file, models::TensorsOf(model), PlanOptionsOf(model));
}

size_t Count(const Plan& plan, Origin origin) {
  return static_cast<size_t>(
      std::count_if(plan.sources.begin(), plan.sources.end(), [origin](const Source& source) { return source.origin == origin; }));
}

TEST(PlanWeightsTest, TakesItsOwnNamesAsTheyAre) {
  for (const char* name : {"deit_distilled", "vit"}) {
    const v1::ModelSpec model = Small(name);
    const Plan plan = PlanFor(FileOf(model), model);
    EXPECT_THAT(plan.problems, IsEmpty());
    EXPECT_THAT(plan.notes, IsEmpty());
    for (size_t t = 0; t < plan.sources.size(); ++t) {
      EXPECT_EQ(plan.sources[t].origin, Origin::kFile);
      EXPECT_THAT(plan.sources[t].places, ElementsAre(t));
    }
  }
}

TEST(PlanWeightsTest, RecognisesTorchvisionsNamesAndPrefixes) {
  for (const char* name : {"vit", "regnety", "efficientnet", "resnet"}) {
    v1::ModelSpec model;
    model.set_name(name);
    model = *models::ResolveModel(model);
    const models::Family family = models::FamilyOf(model);
    const Plan plan = PlanFor(FileOf(model, [&](const std::string& timm) { return "module." + TorchvisionName(family, timm); }), model);
    EXPECT_THAT(plan.problems, IsEmpty()) << name;
    EXPECT_EQ(Count(plan, Origin::kFile), plan.sources.size());
    EXPECT_EQ(plan.notes.at(0), "names without their \"module.\"");
    EXPECT_EQ(plan.notes.size(), std::string(name) == "resnet" ? 1U : 2U);  // ResNet's names are the same in both
  }
}

TEST(PlanWeightsTest, RaisesVariancesOfTorchvisionsLargeEfficientnetsOnly) {
  v1::ModelSpec model;
  model.set_name("efficientnet_b5");
  model = *models::ResolveModel(model);
  EXPECT_EQ(PlanFor(FileOf(model), model).variance_offset, 0);
  const auto torchvisions = [&](const std::string& timm) { return TorchvisionName(models::Family::kEfficientnet, timm); };
  const Plan plan = PlanFor(FileOf(model, torchvisions), model);
  EXPECT_DOUBLE_EQ(plan.variance_offset, 0.00099);
  EXPECT_EQ(plan.notes.back(), "running variances: plus 0.00099, as torchvision's batch norm has another eps");
}

TEST(PlanWeightsTest, NamesMissingUnexpectedMisshapenAndUnreadableTensors) {
  const v1::ModelSpec model = Small("vit");
  std::vector<TensorInfo> file = FileOf(model);
  file[0].name = "other";        // cls_token
  file[2].shape = {8, 3, 8, 7};  // patch_embed.proj.weight
  file[3].dtype = Dtype::kI64;   // patch_embed.proj.bias
  file.back().shape = {11};      // head.bias
  const Plan plan = PlanFor(file, model);
  EXPECT_THAT(plan.problems, ElementsAre("cls_token: missing", "patch_embed.proj.weight: shape [8, 3, 8, 7], the model's is [8, 3, 8, 8]",
                                         "patch_embed.proj.bias: type I64 cannot be used", "head.bias: shape [11], the model's is [10]",
                                         "other: the model has no such tensor"));
}

TEST(PlanWeightsTest, AnEmptyFileLacksEverythingAndOnlyTheFirstAreNamed) {
  const Plan plan = PlanFor({}, Small("vit"));
  EXPECT_FALSE(plan.knows_names);
  EXPECT_THAT(plan.problems,
              ElementsAre("its names are none that are known", "cls_token: missing", "pos_embed: missing",
                          "patch_embed.proj.weight: missing", "patch_embed.proj.bias: missing", "and 16 more tensors that are missing"));
}

TEST(PlanWeightsTest, FindsTensorsInAndOutsideOfWrappers) {
  const v1::ModelSpec model = Small("vit");
  for (const std::string prefix : {"_orig_mod.", "module._orig_mod.", "timm_model.", "model.backbone.", "_fsdp_wrapped_module.module."}) {
    const Plan plan = PlanFor(FileOf(model, [&](const std::string& name) { return prefix + name; }), model);
    EXPECT_THAT(plan.problems, IsEmpty()) << prefix;
    EXPECT_EQ(Count(plan, Origin::kFile), plan.sources.size());
    EXPECT_FALSE(plan.notes.empty());
  }
  const auto but_the_head = [](const std::string& name) { return name.starts_with("head.") ? name : "backbone." + name; };
  EXPECT_THAT(PlanFor(FileOf(model, but_the_head), model).problems, IsEmpty());
  const auto compiled_blocks = [](const std::string& name) {
    return name.starts_with("blocks.0.") ? "blocks.0._orig_mod." + name.substr(9) : name;
  };
  EXPECT_THAT(PlanFor(FileOf(model, compiled_blocks), model).problems, IsEmpty());
}

TEST(PlanWeightsTest, AnAveragedModelsCountIsLeftOut) {
  const v1::ModelSpec model = Small("vit");
  std::vector<TensorInfo> file = FileOf(model, [](const std::string& name) { return "module." + name; });
  file.push_back({.name = "n_averaged", .dtype = Dtype::kI64, .shape = {}, .elements = 1});
  const Plan plan = PlanFor(file, model);
  EXPECT_THAT(plan.problems, IsEmpty());
  EXPECT_EQ(plan.notes.back(), "n_averaged: left out");
}

TEST(PlanWeightsTest, ATensorUnderTwoNamesIsAProblem) {
  const v1::ModelSpec model = Small("vit");
  std::vector<TensorInfo> file = FileOf(model);
  file.push_back(file.back());
  file.back().name = "_orig_mod.head.bias";
  EXPECT_THAT(PlanFor(file, model).problems, ElementsAre("_orig_mod.head.bias: the file has it twice"));
}

// What a file of Hugging Face's holds: qkv is three tensors there.
std::vector<TensorInfo> HuggingFaceFileOf(const v1::ModelSpec& model, HuggingFaceNaming naming, const std::string& prefix) {
  std::vector<TensorInfo> file;
  for (const TensorInfo& info : FileOf(model)) {
    const std::vector<std::string> names = HuggingFaceNames(info.name, naming);
    for (const std::string& name : names) {
      file.push_back(info);
      file.back().name = name.find("classifier") == std::string::npos ? prefix + name : name;
      if (names.size() > 1) file.back().shape[0] /= names.size();
    }
  }
  return file;
}

TEST(PlanWeightsTest, RecognisesHuggingFacesNames) {
  for (const bool in_memory : {false, true}) {
    for (const bool distilled : {false, true}) {
      const v1::ModelSpec model = Small(distilled ? "deit_distilled" : "vit");
      const auto file = HuggingFaceFileOf(model, {.in_memory = in_memory, .two_heads = distilled}, distilled ? "deit." : "vit.");
      const Plan plan = PlanFor(file, model);
      EXPECT_THAT(plan.problems, IsEmpty());
      EXPECT_EQ(plan.notes.back(), "names are Hugging Face's");
      for (size_t t = 0; t < plan.sources.size(); ++t) {
        const bool is_qkv = models::TensorsOf(model)[t].name.find(".qkv.") != std::string::npos;
        EXPECT_EQ(plan.sources[t].places.size(), is_qkv ? 3U : 1U);
      }
    }
  }
}

TEST(PlanWeightsTest, AnEncoderOfHuggingFacesWantsAHeadAndLeavesThePoolerOut) {
  const v1::ModelSpec model = Small("vit");
  std::vector<TensorInfo> file = HuggingFaceFileOf(model, {}, "");
  std::erase_if(file, [](const TensorInfo& info) { return info.name.starts_with("classifier."); });
  file.push_back({.name = "pooler.dense.bias", .dtype = Dtype::kF32, .shape = {8}, .elements = 8});
  EXPECT_THAT(PlanFor(file, model).problems, ElementsAre("classifier.weight: missing", "classifier.bias: missing"));
  const Plan plan = PlanFor(file, Adapted(model, {v1::ModelSpec::HEAD}));
  EXPECT_THAT(plan.problems, IsEmpty());
  EXPECT_THAT(plan.notes,
              ElementsAre("names are Hugging Face's", "head.weight, head.bias: newly initialised", "1 tensors pooler.*: left out"));
}

TEST(PlanWeightsTest, LeavesHuggingFacesDistillationOutWhenAsked) {
  const auto file = HuggingFaceFileOf(Small("deit_distilled"), {.two_heads = true}, "deit.");
  EXPECT_THAT(PlanFor(file, Adapted(Small("deit"), {v1::ModelSpec::DISTILLATION})).problems, IsEmpty());
}

TEST(PlanWeightsTest, APartOfAnotherShapeIsNamed) {
  std::vector<TensorInfo> file = HuggingFaceFileOf(Small("vit"), {}, "vit.");
  const auto key = std::find_if(file.begin(), file.end(), [](const TensorInfo& info) { return info.name.ends_with("key.weight"); });
  key->shape = {24, 8};
  EXPECT_THAT(PlanFor(file, Small("vit")).problems,
              ElementsAre("vit.encoder.layer.0.attention.attention.key.weight: shape [24, 8], the model's is [8, 8]"));
}

TEST(PlanWeightsTest, SaysWhoseNamesTheyAreInPlaceOfNamingAll) {
  const v1::ModelSpec model = Small("vit");
  v1::ModelSpec resnet;
  resnet.set_name("resnet18");
  const Plan plan = PlanFor(FileOf(*models::ResolveModel(resnet)), model);
  EXPECT_FALSE(plan.knows_names);
  EXPECT_EQ(plan.problems.at(0), "its names look like those of a ResNet");
  EXPECT_EQ(plan.problems.size(), 11U);
}

TEST(PlanWeightsTest, ResizesPositionsWhenAsked) {
  v1::ModelSpec large = Small("deit_distilled");
  large.set_img_size(48);
  const std::vector<TensorInfo> file = FileOf(Small("deit_distilled"));
  EXPECT_THAT(PlanFor(file, large).problems, ElementsAre("pos_embed: shape [1, 18, 8], the model's is [1, 38, 8]"));
  const Plan plan = PlanFor(file, Adapted(large, {v1::ModelSpec::POSITIONS}));
  EXPECT_THAT(plan.problems, IsEmpty());
  EXPECT_THAT(plan.notes, ElementsAre("pos_embed: resized from 4x4 to 6x6"));
  EXPECT_EQ(plan.sources[1].origin, Origin::kPositions);
  EXPECT_EQ(plan.file_grid.side, 4);
  EXPECT_EQ(plan.model_grid.side, 6);
  EXPECT_EQ(plan.file_grid.prefix, 2);
}

TEST(PlanWeightsTest, PositionsThatAreNoSquareOfThatWidthAreNotResized) {
  v1::ModelSpec large = Small("vit");
  large.set_img_size(48);
  large = Adapted(large, {v1::ModelSpec::POSITIONS});
  for (const std::vector<uint64_t>& shape :
       std::vector<std::vector<uint64_t>>{{1, 18, 8}, {1, 1, 8}, {1, 0, 8}, {1, 17, 9}, {2, 17, 8}, {17, 8}, {}, {1, ~uint64_t{0}, 8}}) {
    std::vector<TensorInfo> file = FileOf(Small("vit"));
    file[1].shape = shape;
    EXPECT_EQ(PlanFor(file, large).problems.size(), 1U) << shape.size();
  }
}

TEST(PlanWeightsTest, DrawsAnotherHeadWhenAsked) {
  v1::ModelSpec other = Small("vit");
  other.set_num_classes(7);
  EXPECT_EQ(PlanFor(FileOf(Small("vit")), other).problems.size(), 2U);
  const Plan plan = PlanFor(FileOf(Small("vit")), Adapted(other, {v1::ModelSpec::HEAD}));
  EXPECT_THAT(plan.problems, IsEmpty());
  EXPECT_THAT(plan.notes, ElementsAre("head.weight, head.bias: newly initialised"));
  EXPECT_EQ(Count(plan, Origin::kInitial), 2U);
}

TEST(PlanWeightsTest, DrawsAMissingHeadWhenAsked) {
  std::vector<TensorInfo> file = FileOf(Small("vit"));
  file.resize(file.size() - 2);
  EXPECT_THAT(PlanFor(file, Small("vit")).problems, ElementsAre("head.weight: missing", "head.bias: missing"));
  const Plan plan = PlanFor(file, Adapted(Small("vit"), {v1::ModelSpec::HEAD}));
  EXPECT_THAT(plan.problems, IsEmpty());
  EXPECT_THAT(plan.notes, ElementsAre("head.weight, head.bias: newly initialised"));
}

TEST(PlanWeightsTest, AHeadOfAnotherWidthIsNoHeadOfThisModel) {
  std::vector<TensorInfo> file = FileOf(Small("vit"));
  file[file.size() - 2].shape = {7, 9};
  EXPECT_THAT(PlanFor(file, Adapted(Small("vit"), {v1::ModelSpec::HEAD})).problems,
              ElementsAre("head.weight: shape [7, 9], the model's is [10, 8]"));
}

TEST(PlanWeightsTest, AddsADistillationTokenWhenAsked) {
  EXPECT_EQ(PlanFor(FileOf(Small("deit")), Small("deit_distilled")).problems.size(), 4U);
  const Plan plan = PlanFor(FileOf(Small("deit")), Adapted(Small("deit_distilled"), {v1::ModelSpec::DISTILLATION}));
  EXPECT_THAT(plan.problems, IsEmpty());
  EXPECT_THAT(plan.notes,
              ElementsAre("the distillation token's row of pos_embed, dist_token, head_dist.weight, head_dist.bias: newly initialised"));
  EXPECT_EQ(Count(plan, Origin::kPositions), 1U);
  EXPECT_EQ(Count(plan, Origin::kInitial), 3U);
}

TEST(PlanWeightsTest, LeavesTheDistillationTokenOutWhenAsked) {
  EXPECT_EQ(PlanFor(FileOf(Small("deit_distilled")), Small("deit")).problems.size(), 4U);
  const Plan plan = PlanFor(FileOf(Small("deit_distilled")), Adapted(Small("deit"), {v1::ModelSpec::DISTILLATION}));
  EXPECT_THAT(plan.problems, IsEmpty());
  EXPECT_THAT(plan.notes, ElementsAre("the distillation token's row of pos_embed, dist_token, head_dist.bias, head_dist.weight: left out"));
  EXPECT_EQ(plan.file_grid.prefix, 2);
  EXPECT_EQ(plan.model_grid.prefix, 1);
}

TEST(PlanWeightsTest, AdaptsAllAtOnceUnderTorchvisionsNames) {
  v1::ModelSpec target = Small("deit_distilled");
  target.set_num_classes(3);
  target.set_img_size(16);
  target = Adapted(target, {v1::ModelSpec::POSITIONS, v1::ModelSpec::HEAD, v1::ModelSpec::DISTILLATION});
  const auto torchvisions = [](const std::string& timm) { return TorchvisionName(models::Family::kVit, timm); };
  const Plan plan = PlanFor(FileOf(Small("vit"), torchvisions), target);
  EXPECT_THAT(plan.problems, IsEmpty());
  EXPECT_THAT(plan.notes, ElementsAre("names are torchvision's", "encoder.pos_embedding: resized from 4x4 to 2x2",
                                      "the distillation token's row of pos_embed, dist_token, head.weight, head.bias, head_dist.weight, "
                                      "head_dist.bias: newly initialised"));
}

v1::ModelSpec SmallStudent(bool distils) {
  v1::ModelSpec model;
  model.set_name("distillable_t2t_vit");
  model.set_num_classes(10);
  model.set_embed_dim(8);
  model.set_img_size(32);
  model.set_depth(1);
  model.set_distillation_token(distils);
  return *models::ResolveModel(model);
}

TEST(PlanWeightsTest, RecognisesDistillWrapperAndLeavesItsTeacherOut) {
  const v1::ModelSpec model = SmallStudent(true);
  std::vector<TensorInfo> file = FileOf(model, DistillWrapperName);
  for (const char* name : {"teacher.conv1.weight", "teacher.fc.bias"})
    file.push_back({.name = name, .dtype = Dtype::kF32, .shape = {3}, .elements = 3});
  const Plan plan = PlanFor(file, model);
  EXPECT_THAT(plan.problems, IsEmpty());
  EXPECT_THAT(plan.notes, ElementsAre("names are DistillWrapper's", "2 tensors teacher.*: left out"));
  EXPECT_EQ(Count(plan, Origin::kFile), plan.sources.size());
  EXPECT_THAT(PlanFor(FileOf(model), model).notes, IsEmpty()) << "the student's own names";
}

TEST(PlanWeightsTest, AdaptsVitPytorchsStudents) {
  const v1::ModelSpec plain = SmallStudent(false), distilled = SmallStudent(true);
  EXPECT_EQ(PlanFor(FileOf(plain), distilled).problems.size(), 3U);
  const Plan added = PlanFor(FileOf(plain), Adapted(distilled, {v1::ModelSpec::DISTILLATION}));
  EXPECT_THAT(added.problems, IsEmpty());
  EXPECT_THAT(added.notes, ElementsAre("distillation_token, distill_mlp.1.weight, distill_mlp.1.bias: newly initialised"));
  const Plan left = PlanFor(FileOf(distilled), Adapted(plain, {v1::ModelSpec::DISTILLATION}));
  EXPECT_THAT(left.problems, IsEmpty());
  EXPECT_THAT(left.notes, ElementsAre("distill_mlp.1.bias, distill_mlp.1.weight, distillation_token: left out"));
  v1::ModelSpec larger = distilled;
  larger.set_img_size(64);
  larger.set_num_classes(7);
  const Plan resized = PlanFor(FileOf(distilled), Adapted(larger, {v1::ModelSpec::POSITIONS, v1::ModelSpec::HEAD}));
  EXPECT_THAT(resized.problems, IsEmpty());
  EXPECT_THAT(resized.notes, ElementsAre("pos_embedding: resized from 2x2 to 4x4",
                                         "distill_mlp.1.weight, distill_mlp.1.bias, mlp_head.weight, mlp_head.bias: newly initialised"));
}

TEST(PlanWeightsTest, CountersMayBeMissing) {
  v1::ModelSpec model;
  model.set_name("resnet18");
  model = *models::ResolveModel(model);
  std::vector<TensorInfo> file = FileOf(model);
  std::erase_if(file, [](const TensorInfo& info) { return info.name.ends_with("num_batches_tracked"); });
  const Plan plan = PlanFor(file, model);
  EXPECT_THAT(plan.problems, IsEmpty());
  EXPECT_EQ(Count(plan, Origin::kAbsent), 20U);
}

}  // namespace
}  // namespace deit::weights
