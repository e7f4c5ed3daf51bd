#include "worker/weights/huggingface_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/models/model_catalog.h"
#include "common/models/model_tensors.h"
#include "tests/support/file_content.h"

namespace deit::weights {
namespace {

using ::testing::ElementsAre;

// Names and shapes of our model's tensors as Hugging Face's file has them, as the golden file writes them.
std::set<std::string> Listing(const std::string& name, bool in_memory) {
  v1::ModelSpec model;
  model.set_name(name);
  model.set_num_classes(2);
  model.set_img_size(32);
  model.set_patch_size(8);
  model.set_embed_dim(32);
  model.set_depth(1);
  model.set_num_heads(2);
  const bool distilled = name == "deit_distilled";
  std::set<std::string> lines;
  for (models::TensorSpec& tensor : models::TensorsOf(*models::ResolveModel(model))) {
    const auto names = HuggingFaceNames(tensor.name, {.in_memory = in_memory, .two_heads = distilled});
    tensor.shape[0] /= static_cast<int64_t>(names.size());
    for (const std::string& part : names) {
      const std::string prefix = absl::StrContains(part, "classifier.") ? "" : distilled ? "deit." : "vit.";
      lines.insert(absl::StrCat("  ", prefix, part, " ", absl::StrJoin(tensor.shape, "x")));
    }
  }
  return lines;
}

// golden/huggingface.txt, by tests/parity/huggingface.py.
TEST(HuggingFaceNamesTest, AreAllNamesOfTransformersModels) {
  std::string heading;
  std::map<std::string, std::set<std::string>> listings;
  for (const absl::string_view line : absl::StrSplit(testing::ReadFile(DEIT_GOLDEN_DIR "/huggingface.txt"), '\n', absl::SkipEmpty())) {
    if (absl::StartsWith(line, "  ")) listings[heading].insert(std::string(line));
    else heading = std::string(line);
  }
  EXPECT_EQ(listings.size(), 4U);
  for (const char* model : {"vit", "deit_distilled"}) {
    EXPECT_EQ(Listing(model, false), listings[absl::StrCat(model, " saved")]) << model;
    EXPECT_EQ(Listing(model, true), listings[absl::StrCat(model, " state_dict")]) << model;
  }
}

TEST(HuggingFaceNamesTest, AreInTheOrderOfQkv) {
  EXPECT_THAT(HuggingFaceNames("blocks.3.attn.qkv.bias", {}),
              ElementsAre("encoder.layer.3.attention.attention.query.bias", "encoder.layer.3.attention.attention.key.bias",
                          "encoder.layer.3.attention.attention.value.bias"));
  EXPECT_THAT(HuggingFaceNames("blocks.3.attn.qkv.bias", {.in_memory = true}),
              ElementsAre("layers.3.attention.q_proj.bias", "layers.3.attention.k_proj.bias", "layers.3.attention.v_proj.bias"));
}

TEST(HuggingFaceNamesTest, KeepWhatHasNoOtherName) {
  for (const char* name : {"", ".", "blocks", "other.weight"}) EXPECT_THAT(HuggingFaceNames(name, {}), ElementsAre(name));
}

}  // namespace
}  // namespace deit::weights
