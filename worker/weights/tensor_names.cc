#include "worker/weights/tensor_names.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"

namespace deit::weights {
namespace {

constexpr absl::string_view kWrappers[] = {"module.", "model.", "timm_model.", "backbone.", "encoder.", "net.", "vit.", "deit."};
constexpr size_t kMaxWords = 4;

struct Sign {
  absl::string_view part, model;
};

// The first whose part is in a name decides.
constexpr Sign kSigns[] = {
    {"text_model.", "a CLIP or SigLIP of Hugging Face"},
    {"vision_model.", "a CLIP or SigLIP of Hugging Face"},
    {"transformer.resblocks.", "a CLIP of OpenAI or open_clip"},
    {"relative_position_bias_table", "a Swin Transformer or BEiT"},
    {"layer_scale1.lambda1", "a DINOv2 of Hugging Face"},
    {"ls1.gamma", "a DINOv2 or another transformer with layer scale"},
    {"embeddings.patch_embeddings.projection.", "a ViT or DeiT of Hugging Face"},
    {"encoder.layers.encoder_layer_0.", "a ViT of torchvision"},
    {"blocks.0.attn.qkv.", "a ViT or DeiT of timm"},
    {"blocks.0.0.", "an EfficientNet of timm"},
    {"features.0.0.", "an EfficientNet or ConvNeXt of torchvision"},
    {"trunk_output.", "a RegNet of torchvision"},
    {"s1.b1.conv1.", "a RegNet of timm"},
    {"layer1.0.conv1.", "a ResNet"},
    {"resnet.encoder.stages.", "a ResNet of Hugging Face"},
    {"stages.0.", "a ConvNeXt or another network with stages"},
    {"transformer.layers.0.", "a transformer of vit-pytorch"},
};

}  // namespace

std::string WithoutMachineWords(absl::string_view name) {
  return absl::StrReplaceAll(name, {{"_orig_mod.", ""}, {"_fsdp_wrapped_module.", ""}, {"_checkpoint_wrapped_module.", ""}});
}

std::vector<std::string> WrapperPrefixes(absl::string_view name) {
  std::vector<std::string> prefixes;
  size_t end = 0;
  while (prefixes.size() < kMaxWords) {
    const auto* const word = std::find_if(std::begin(kWrappers), std::end(kWrappers),
                                          [&](absl::string_view w) { return absl::StartsWith(name.substr(end), w); });
    if (word == std::end(kWrappers)) break;
    end += word->size();
    prefixes.insert(prefixes.begin(), std::string(name.substr(0, end)));
  }
  return prefixes;
}

std::string ModelOfNames(const std::vector<std::string>& names) {
  for (const Sign& sign : kSigns) {
    if (std::any_of(names.begin(), names.end(), [&](const std::string& name) { return absl::StrContains(name, sign.part); })) {
      return std::string(sign.model);
    }
  }
  return "";
}

}  // namespace deit::weights
