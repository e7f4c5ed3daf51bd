#include "worker/weights/torchvision_names.h"

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace deit::weights {
namespace {

using Pairs = std::vector<std::pair<absl::string_view, absl::string_view>>;

// The name with the first prefix that fits replaced.
std::string Renamed(absl::string_view name, const Pairs& prefixes) {
  for (const auto& [from, to] : prefixes) {
    if (absl::StartsWith(name, from)) return absl::StrCat(to, name.substr(from.size()));
  }
  return std::string(name);
}

// blocks.3.attn.qkv.weight -> encoder.layers.encoder_layer_3.self_attention.in_proj_weight
std::string OfTransformer(const std::string& timm) {
  if (!absl::StartsWith(timm, "blocks.")) {
    return Renamed(timm, {{"cls_token", "class_token"},
                          {"pos_embed", "encoder.pos_embedding"},
                          {"patch_embed.proj", "conv_proj"},
                          {"norm.", "encoder.ln."},
                          {"head.", "heads.head."}});
  }
  const std::vector<std::string> words = absl::StrSplit(timm, absl::MaxSplits('.', 2));
  if (words.size() < 3) return timm;
  const std::string rest = Renamed(words[2], {{"norm1", "ln_1"},
                                              {"attn.qkv.", "self_attention.in_proj_"},
                                              {"attn.proj", "self_attention.out_proj"},
                                              {"norm2", "ln_2"},
                                              {"mlp.fc1", "mlp.0"},
                                              {"mlp.fc2", "mlp.3"}});
  return absl::StrCat("encoder.layers.encoder_layer_", words[1], ".", rest);
}

// s2.b3.conv1.bn.weight -> trunk_output.block2.block2-2.f.a.1.weight
std::string OfRegnety(const std::string& timm) {
  const std::vector<std::string> words = absl::StrSplit(timm, absl::MaxSplits('.', 2));
  int block = 0;
  if (words.size() < 3 || words[1].size() < 2 || !absl::SimpleAtoi(words[1].substr(1), &block)) {
    return Renamed(timm, {{"stem.conv.", "stem.0."}, {"stem.bn.", "stem.1."}, {"head.fc.", "fc."}});
  }
  const std::string stage = words[0].substr(1);
  std::string rest =
      Renamed(words[2], {{"conv1.", "f.a."}, {"conv2.", "f.b."}, {"conv3.", "f.c."}, {"se.", "f.se."}, {"downsample.", "proj."}});
  rest = absl::StrReplaceAll(rest, {{".conv.", ".0."}, {".bn.", ".1."}});
  return absl::StrCat("trunk_output.block", stage, ".block", stage, "-", block - 1, ".", rest);
}

// blocks.1.0.conv_dw.weight -> features.2.0.block.1.0.weight: a block's convolutions are numbered, and so are convolution and norm in each.
std::string OfEfficientnet(const std::string& timm) {
  if (!absl::StartsWith(timm, "blocks.")) {
    return Renamed(timm, {{"conv_stem.", "features.0.0."},
                          {"bn1.", "features.0.1."},
                          {"conv_head.", "features.8.0."},
                          {"bn2.", "features.8.1."},
                          {"classifier.", "classifier.1."}});
  }
  const std::vector<std::string> words = absl::StrSplit(timm, absl::MaxSplits('.', 3));
  int stage = 0;
  if (words.size() < 4 || !absl::SimpleAtoi(words[1], &stage)) return timm;
  const std::string rest = stage == 0 ? Renamed(words[3], {{"conv_dw.", "0.0."},
                                                           {"bn1.", "0.1."},
                                                           {"se.conv_reduce.", "1.fc1."},
                                                           {"se.conv_expand.", "1.fc2."},
                                                           {"conv_pw.", "2.0."},
                                                           {"bn2.", "2.1."}})
                                      : Renamed(words[3], {{"conv_pw.", "0.0."},
                                                           {"bn1.", "0.1."},
                                                           {"conv_dw.", "1.0."},
                                                           {"bn2.", "1.1."},
                                                           {"se.conv_reduce.", "2.fc1."},
                                                           {"se.conv_expand.", "2.fc2."},
                                                           {"conv_pwl.", "3.0."},
                                                           {"bn3.", "3.1."}});
  return absl::StrCat("features.", stage + 1, ".", words[2], ".block.", rest);
}

}  // namespace

std::string TorchvisionName(models::Family family, const std::string& timm) {
  switch (family) {
    case models::Family::kVit:
    case models::Family::kDeit:
    case models::Family::kDeitDistilled: return OfTransformer(timm);
    case models::Family::kRegnety: return OfRegnety(timm);
    case models::Family::kEfficientnet: return OfEfficientnet(timm);
    case models::Family::kResnet:
    case models::Family::kConvnet:
    case models::Family::kDistillableVit:
    case models::Family::kDistillableT2tVit:
    case models::Family::kDistillableEfficientVit: return timm;
  }
  return timm;
}

double TorchvisionVarianceOffset(const v1::ModelSpec& resolved) {
  constexpr double kB5 = 1.6;  // width_mult
  const bool large = models::FamilyOf(resolved) == models::Family::kEfficientnet && resolved.width_mult() >= kB5;
  return large ? 1e-3 - 1e-5 : 0;
}

}  // namespace deit::weights
