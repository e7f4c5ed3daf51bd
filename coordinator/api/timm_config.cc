#include "coordinator/api/timm_config.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "common/models/model_catalog.h"
#include "coordinator/api/json_list.h"

namespace deit::api {
namespace {

using models::Family;

// timm's name of what evaluation resizes with.
std::string EvaluationInterpolation(const v1::EvaluateSpec& evaluate) {
  return absl::AsciiStrToLower(v1::AugmentSpec::Interpolation_Name(evaluate.interpolation()));
}

// The published model of the same family and the same inner sizes, if there is one.
std::optional<std::string> PublishedNameOf(const v1::ModelSpec& model) {
  for (const models::CatalogEntry& entry : models::ModelCatalog()) {
    if (entry.family != models::FamilyOf(model) || entry.name.find_first_of("0123456789") == std::string::npos) continue;
    v1::ModelSpec like = model;
    like.set_name(entry.name);
    like.set_num_classes(entry.sizes.num_classes());
    like.set_img_size(entry.sizes.img_size());
    like.set_in_chans(entry.sizes.in_chans());
    like.clear_init_from();
    like.clear_adapt();
    if (like.SerializeAsString() == entry.sizes.SerializeAsString()) return entry.name;
  }
  return std::nullopt;
}

// The part of config.json that depends on the family.
struct Architecture {
  std::string name;  // of timm's entry point
  v1::TimmModelArguments sizes = {};
  std::string first_conv;               // names of modules
  std::vector<std::string> classifier;  // one of each head
};

// `entry_point`: its class and defaults (norm eps, qkv bias, pooling) are the family's; every size is given as an argument.
Architecture TransformerOf(const v1::ModelSpec& model, const char* family, const char* entry_point, std::vector<std::string> classifier) {
  Architecture architecture{
      .name = model.name() == family ? entry_point : model.name(), .first_conv = "patch_embed.proj", .classifier = std::move(classifier)};
  architecture.sizes.set_img_size(model.img_size());
  architecture.sizes.set_patch_size(model.patch_size());
  architecture.sizes.set_embed_dim(model.embed_dim());
  architecture.sizes.set_depth(model.depth());
  architecture.sizes.set_num_heads(model.num_heads());
  architecture.sizes.set_mlp_ratio(model.mlp_ratio());
  return architecture;
}

// timm's ResNet has four stages.
std::optional<Architecture> ResnetOf(const v1::ModelSpec& model) {
  if (model.widths_size() != 4) return std::nullopt;
  Architecture architecture{.name = model.bottleneck() ? "resnet50" : "resnet18", .first_conv = "conv1", .classifier = {"fc"}};
  *architecture.sizes.mutable_layers() = NumberList(model.depths());
  *architecture.sizes.mutable_channels() = NumberList(model.widths());
  return architecture;
}

std::optional<Architecture> PublishedOf(const v1::ModelSpec& model, const char* first_conv, const char* classifier) {
  const std::optional<std::string> name = PublishedNameOf(model);
  if (!name) return std::nullopt;
  return Architecture{.name = *name, .first_conv = first_conv, .classifier = {classifier}};
}

std::optional<Architecture> ArchitectureOf(const v1::ModelSpec& model) {
  switch (models::FamilyOf(model)) {
    case Family::kVit: return TransformerOf(model, "vit", "vit_tiny_patch16_224", {"head"});
    case Family::kDeit: return TransformerOf(model, "deit", "deit_tiny_patch16_224", {"head"});
    case Family::kDeitDistilled: return TransformerOf(model, "deit_distilled", "deit_tiny_distilled_patch16_224", {"head", "head_dist"});
    case Family::kResnet: return ResnetOf(model);
    case Family::kRegnety: return PublishedOf(model, "stem.conv", "head.fc");
    case Family::kEfficientnet: return PublishedOf(model, "conv_stem", "classifier");
    case Family::kConvnet:
    case Family::kDistillableVit:
    case Family::kDistillableT2tVit:
    case Family::kDistillableEfficientVit: return std::nullopt;
  }
  return std::nullopt;
}

google::protobuf::Value NamesOf(const std::vector<std::string>& modules) {
  google::protobuf::Value value;
  if (modules.size() == 1) value.set_string_value(modules[0]);
  if (modules.size() == 1) return value;
  for (const std::string& module : modules) value.mutable_list_value()->add_values()->set_string_value(module);
  return value;
}

}  // namespace

std::optional<v1::TimmConfig> TimmConfig(const v1::JobSpec& job) {
  const v1::ModelSpec& model = job.model();
  const std::optional<Architecture> architecture = ArchitectureOf(model);
  if (!architecture) return std::nullopt;
  v1::TimmConfig config;
  config.set_architecture(architecture->name);
  config.set_num_classes(model.num_classes());
  *config.mutable_model_args() = architecture->sizes;
  config.mutable_model_args()->set_in_chans(model.in_chans());
  config.mutable_model_args()->set_num_classes(model.num_classes());
  v1::PretrainedConfig& pretrained = *config.mutable_pretrained_cfg();
  pretrained = PixelsOf(job);
  pretrained.set_fixed_input_size(models::NetworkOf(model).empty());  // a transformer's positions belong to one size
  pretrained.set_first_conv(architecture->first_conv);
  *pretrained.mutable_classifier() = NamesOf(architecture->classifier);
  return config;
}

v1::PretrainedConfig PixelsOf(const v1::JobSpec& job) {
  v1::PretrainedConfig pixels;
  for (const int size : {job.model().in_chans(), job.model().img_size(), job.model().img_size()}) pixels.add_input_size(size);
  pixels.set_num_classes(job.model().num_classes());
  *pixels.mutable_mean() = job.data().mean();
  *pixels.mutable_std() = job.data().std();
  pixels.set_interpolation(EvaluationInterpolation(job.evaluate()));
  pixels.set_crop_pct(job.evaluate().crop_ratio());
  return pixels;
}

}  // namespace deit::api
