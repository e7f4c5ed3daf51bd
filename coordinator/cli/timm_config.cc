#include "coordinator/cli/timm_config.h"

#include <charconv>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/numbers.h"
#include "common/json/json_text.h"
#include "common/models/model_catalog.h"

namespace deit::cli {
namespace {

using models::Family;

// The shortest text that reads back as the same float.
std::string Shortest(float value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

std::string ListOf(const google::protobuf::RepeatedField<float>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ", ", [](std::string* out, float value) { out->append(Shortest(value)); }), "]");
}

// timm's name of what evaluation resizes with.
std::string EvaluationInterpolation(const v1::AugmentSpec& augment) {
  if (augment.interpolation() == v1::AugmentSpec::RANDOM) return "bicubic";
  return absl::AsciiStrToLower(v1::AugmentSpec::Interpolation_Name(augment.interpolation()));
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

// What of config.json depends on the family.
struct Architecture {
  std::string name;        // of timm's entry point
  std::string sizes;       // more arguments of it, each with a comma before
  std::string first_conv;  // names of modules
  std::string classifier;
};

// `entry_point`: its class and defaults (norm eps, qkv bias, pooling) are the family's; every size is given as an argument.
Architecture TransformerOf(const v1::ModelSpec& model, const char* family, const char* entry_point, const char* classifier) {
  return {.name = model.name() == family ? entry_point : model.name(),
          .sizes = absl::StrCat(", \"img_size\": ", model.img_size(), ", \"patch_size\": ", model.patch_size(),
                                ", \"embed_dim\": ", model.embed_dim(), ", \"depth\": ", model.depth(),
                                ", \"num_heads\": ", model.num_heads(), ", \"mlp_ratio\": ", RoundTripText(model.mlp_ratio())),
          .first_conv = "patch_embed.proj",
          .classifier = classifier};
}

// timm's ResNet has four stages.
std::optional<Architecture> ResnetOf(const v1::ModelSpec& model) {
  if (model.widths_size() != 4) return std::nullopt;
  return Architecture{.name = model.bottleneck() ? "resnet50" : "resnet18",
                      .sizes = absl::StrCat(", \"layers\": [", absl::StrJoin(model.depths(), ", "), "], \"channels\": [",
                                            absl::StrJoin(model.widths(), ", "), "]"),
                      .first_conv = "conv1",
                      .classifier = "\"fc\""};
}

std::optional<Architecture> PublishedOf(const v1::ModelSpec& model, const char* first_conv, const char* classifier) {
  const std::optional<std::string> name = PublishedNameOf(model);
  if (!name) return std::nullopt;
  return Architecture{.name = *name, .sizes = "", .first_conv = first_conv, .classifier = classifier};
}

std::optional<Architecture> ArchitectureOf(const v1::ModelSpec& model) {
  switch (models::FamilyOf(model)) {
    case Family::kVit: return TransformerOf(model, "vit", "vit_tiny_patch16_224", "\"head\"");
    case Family::kDeit: return TransformerOf(model, "deit", "deit_tiny_patch16_224", "\"head\"");
    case Family::kDeitDistilled:
      return TransformerOf(model, "deit_distilled", "deit_tiny_distilled_patch16_224", "[\"head\", \"head_dist\"]");
    case Family::kResnet: return ResnetOf(model);
    case Family::kRegnety: return PublishedOf(model, "stem.conv", "\"head.fc\"");
    case Family::kEfficientnet: return PublishedOf(model, "conv_stem", "\"classifier\"");
    case Family::kConvnet:
    case Family::kDistillableVit:
    case Family::kDistillableT2tVit:
    case Family::kDistillableEfficientVit: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> TimmConfig(const v1::JobSpec& job) {
  const v1::ModelSpec& model = job.model();
  const std::optional<Architecture> architecture = ArchitectureOf(model);
  if (!architecture) return std::nullopt;
  const std::string size = absl::StrCat(model.img_size());
  const bool fixed = models::NetworkOf(model).empty();  // a transformer's positions belong to one size
  return absl::StrCat("{\n  \"architecture\": ", json::JsonQuote(architecture->name), ",\n  \"num_classes\": ", model.num_classes(),
                      ",\n  \"model_args\": {\"in_chans\": ", model.in_chans(), ", \"num_classes\": ", model.num_classes(),
                      architecture->sizes, "},\n  \"pretrained_cfg\": {\"input_size\": [", model.in_chans(), ", ", size, ", ", size,
                      "], \"fixed_input_size\": ", fixed ? "true" : "false", ", \"num_classes\": ", model.num_classes(), ", ",
                      PixelsOf(job), ", \"first_conv\": ", json::JsonQuote(architecture->first_conv),
                      ", \"classifier\": ", architecture->classifier, "}\n}\n");
}

std::string PixelsOf(const v1::JobSpec& job) {
  return absl::StrCat("\"mean\": ", ListOf(job.data().mean()), ", \"std\": ", ListOf(job.data().std()),
                      ", \"interpolation\": ", json::JsonQuote(EvaluationInterpolation(job.augment())),
                      ", \"crop_pct\": ", RoundTripText(job.evaluate().crop_ratio()));
}

}  // namespace deit::cli
