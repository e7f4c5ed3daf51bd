#include "coordinator/cli/timm_config.h"

#include <charconv>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/json_text.h"
#include "common/base/numbers.h"
#include "common/spec/model_catalog.h"

namespace deit::cli {
namespace {

// The entry point whose class and defaults (norm eps, qkv bias, pooling) are the family's; every size is given as an argument.
const char* EntryPointOf(spec::Family family) {
  switch (family) {
    case spec::Family::kVit: return "vit_tiny_patch16_224";
    case spec::Family::kDeit: return "deit_tiny_patch16_224";
    case spec::Family::kDeitDistilled: return "deit_tiny_distilled_patch16_224";
    case spec::Family::kConvnet: return nullptr;
  }
  return nullptr;
}

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

bool IsFamilyName(const std::string& name) { return name == "vit" || name == "deit" || name == "deit_distilled"; }

}  // namespace

std::optional<std::string> TimmConfig(const v1::JobSpec& job) {
  const v1::ModelSpec& model = job.model();
  const spec::Family family = spec::FamilyOf(model);
  const char* entry_point = EntryPointOf(family);
  if (entry_point == nullptr) return std::nullopt;
  const std::string architecture = IsFamilyName(model.name()) ? entry_point : model.name();
  const std::string size = absl::StrCat(model.img_size());
  const bool distilled = family == spec::Family::kDeitDistilled;
  return absl::StrCat(
      "{\n  \"architecture\": ", JsonQuote(architecture), ",\n  \"num_classes\": ", model.num_classes(),
      ",\n  \"num_features\": ", model.embed_dim(), ",\n  \"model_args\": {\"img_size\": ", size, ", \"patch_size\": ", model.patch_size(),
      ", \"in_chans\": ", model.in_chans(), ", \"num_classes\": ", model.num_classes(), ", \"embed_dim\": ", model.embed_dim(),
      ", \"depth\": ", model.depth(), ", \"num_heads\": ", model.num_heads(), ", \"mlp_ratio\": ", RoundTripText(model.mlp_ratio()),
      "},\n  \"pretrained_cfg\": {\"input_size\": [", model.in_chans(), ", ", size, ", ", size,
      "], \"fixed_input_size\": true, \"num_classes\": ", model.num_classes(), ", \"mean\": ", ListOf(job.data().mean()),
      ", \"std\": ", ListOf(job.data().std()), ", \"interpolation\": ", JsonQuote(EvaluationInterpolation(job.augment())),
      ", \"crop_pct\": ", RoundTripText(job.evaluate().crop_ratio()),
      ", \"first_conv\": \"patch_embed.proj\", \"classifier\": ", distilled ? "[\"head\", \"head_dist\"]" : "\"head\"", "}\n}\n");
}

}  // namespace deit::cli
