// Validation of the fields `widths` and `depths` (channels and blocks per stage), shared by all families that have them.
#pragma once

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::models {

inline constexpr int kMaxBlocks = 1024;  // of a network, and of its stages

// Errors are InvalidArgument and begin with the field.
Status CheckStageCount(absl::string_view field, int stages);

// As many depths as widths, and at most kMaxBlocks blocks in all.
Status CheckStages(const v1::ModelSpec& model);

}  // namespace deit::models
