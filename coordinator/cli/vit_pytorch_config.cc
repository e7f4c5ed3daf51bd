#include "coordinator/cli/vit_pytorch_config.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/models/model_catalog.h"
#include "common/models/transformer.h"
#include "coordinator/cli/timm_config.h"

namespace deit::cli {
namespace {

using models::Family;

std::string Common(const v1::ModelSpec& model) {
  return absl::StrCat("\"image_size\": ", model.img_size(), ", \"num_classes\": ", model.num_classes(), ", \"dim\": ", model.embed_dim(),
                      ", \"channels\": ", model.in_chans());
}

std::string Blocks(const v1::ModelSpec& model) {
  return absl::StrCat("\"depth\": ", model.depth(), ", \"heads\": ", model.num_heads(), ", \"dim_head\": ", model.head_dim());
}

std::string PlainBlocks(const v1::ModelSpec& model) { return absl::StrCat(Blocks(model), ", \"mlp_dim\": ", models::HiddenUnits(model)); }

std::string Layers(const v1::ModelSpec& model) {
  std::vector<std::string> pairs;
  for (int i = 0; i < model.t2t_kernels_size(); ++i) {
    pairs.push_back(absl::StrCat("[", model.t2t_kernels(i), ", ", model.t2t_strides(i), "]"));
  }
  return absl::StrCat("\"t2t_layers\": [", absl::StrJoin(pairs, ", "), "]");
}

std::string Built(const char* architecture, const std::string& arguments) {
  return absl::StrCat("\"architecture\": \"", architecture, "\", \"model_args\": {", arguments, "}");
}

std::string InnerTransformer(const v1::ModelSpec& model) {
  const std::string width = absl::StrCat("\"dim\": ", model.embed_dim(), ", ");
  if (model.transformer() == v1::ModelSpec::PLAIN) return Built("vit_pytorch.vit.Transformer", width + PlainBlocks(model));
  return Built("nystrom_attention.Nystromformer", absl::StrCat(width, Blocks(model), ", \"num_landmarks\": ", model.num_landmarks()));
}

std::string ArchitectureText(const v1::ModelSpec& model) {
  const std::string patch = absl::StrCat(", \"patch_size\": ", model.patch_size());
  switch (models::FamilyOf(model)) {
    case Family::kDistillableVit: return Built("vit_pytorch.vit.ViT", absl::StrCat(Common(model), patch, ", ", PlainBlocks(model)));
    case Family::kDistillableT2tVit:
      return Built("vit_pytorch.t2t.T2TViT", absl::StrCat(Common(model), ", ", PlainBlocks(model), ", ", Layers(model)));
    case Family::kDistillableEfficientVit:
      return absl::StrCat(Built("vit_pytorch.efficient.ViT", Common(model) + patch), ",\n  \"transformer\": {", InnerTransformer(model),
                          "}");
    default: break;
  }
  DEIT_CHECK(false, model.name());
  return "";
}

}  // namespace

std::string VitPytorchConfig(const v1::JobSpec& job) {
  const v1::ModelSpec& model = job.model();
  return absl::StrCat("{\n  \"library\": \"vit-pytorch\",\n  ", ArchitectureText(model), ",\n  \"num_classes\": ", model.num_classes(),
                      ",\n  \"pretrained_cfg\": {\"input_size\": [", model.in_chans(), ", ", model.img_size(), ", ", model.img_size(),
                      "], \"num_classes\": ", model.num_classes(), ", ", PixelsOf(job), "}\n}\n");
}

}  // namespace deit::cli
