// Mapping of timm's tensor names to those of Hugging Face's transformers (ViT, DeiT). Pure.
#pragma once

#include <string>
#include <vector>

namespace deit::weights {

// Two names exist for one tensor of a block, and two for the head.
struct HuggingFaceNaming {
  bool in_memory = false;  // as transformers 5 calls the tensors of state_dict(), not as every version's save_pretrained() writes them
  bool two_heads = false;  // as DeiTForImageClassificationWithTeacher calls the class head
};

// The names, without the "vit." or "deit." before all but the heads. Query, key and value are three tensors there, which one behind another
// along the first axis are timm's qkv.
std::vector<std::string> HuggingFaceNames(const std::string& timm, HuggingFaceNaming naming);

}  // namespace deit::weights
