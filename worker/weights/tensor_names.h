// Tensor names as files have them: what wrappers put into them, and whose they are. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace deit::weights {

// The name without the words that torch.compile, FSDP and checkpointed activations put anywhere into it ("_orig_mod.").
std::string WithoutMachineWords(absl::string_view name);

// The words before the name that a wrapper may have put there, "module.", "model.backbone.": longest first, up to four words. Empty: none.
std::vector<std::string> WrapperPrefixes(absl::string_view name);

// "a Swin Transformer": what has tensors of such names; empty: unknown.
std::string ModelOfNames(const std::vector<std::string>& names);

}  // namespace deit::weights
