#include "worker/weights/huggingface_names.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace deit::weights {
namespace {

struct Renaming {
  absl::string_view timm, saved, in_memory;
};

constexpr Renaming kOfModel[] = {
    {"cls_token", "embeddings.cls_token", "embeddings.cls_token"},
    {"dist_token", "embeddings.distillation_token", "embeddings.distillation_token"},
    {"pos_embed", "embeddings.position_embeddings", "embeddings.position_embeddings"},
    {"patch_embed.proj.", "embeddings.patch_embeddings.projection.", "embeddings.patch_embeddings.projection."},
    {"norm.", "layernorm.", "layernorm."},
    {"head_dist.", "distillation_classifier.", "distillation_classifier."},
};
constexpr Renaming kOfBlock[] = {
    {"norm1.", "layernorm_before.", "layernorm_before."},
    {"attn.proj.", "attention.output.dense.", "attention.o_proj."},
    {"norm2.", "layernorm_after.", "layernorm_after."},
    {"mlp.fc1.", "intermediate.dense.", "mlp.fc1."},
    {"mlp.fc2.", "output.dense.", "mlp.fc2."},
};

// The name with its beginning replaced; `rows` are kOfModel or kOfBlock.
template <size_t N>
std::string Renamed(absl::string_view name, const Renaming (&rows)[N], bool in_memory) {
  for (const Renaming& row : rows) {
    if (absl::ConsumePrefix(&name, row.timm)) return absl::StrCat(in_memory ? row.in_memory : row.saved, name);
  }
  return std::string(name);
}

}  // namespace

std::vector<std::string> HuggingFaceNames(const std::string& timm, HuggingFaceNaming naming) {
  absl::string_view rest = timm;
  if (absl::ConsumePrefix(&rest, "head.")) return {absl::StrCat(naming.two_heads ? "cls_classifier." : "classifier.", rest)};
  if (!absl::ConsumePrefix(&rest, "blocks.")) return {Renamed(rest, kOfModel, naming.in_memory)};
  const std::pair<absl::string_view, absl::string_view> words = absl::StrSplit(rest, absl::MaxSplits('.', 1));
  const std::string block = absl::StrCat(naming.in_memory ? "layers." : "encoder.layer.", words.first, ".");
  absl::string_view name = words.second;
  if (!absl::ConsumePrefix(&name, "attn.qkv.")) return {block + Renamed(name, kOfBlock, naming.in_memory)};
  std::vector<std::string> names;
  for (const absl::string_view part : {"query", "key", "value"}) {
    names.push_back(naming.in_memory ? absl::StrCat(block, "attention.", part.substr(0, 1), "_proj.", name)
                                     : absl::StrCat(block, "attention.attention.", part, ".", name));
  }
  return names;
}

}  // namespace deit::weights
