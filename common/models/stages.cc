#include "common/models/stages.h"

#include <numeric>

#include "absl/strings/str_cat.h"
#include "proto/spec.pb.h"

namespace deit::models {

Status CheckStageCount(absl::string_view field, int stages) {
  if (stages <= kMaxBlocks) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", stages, " stages: want at most ", kMaxBlocks));
}

Status CheckStages(const v1::ModelSpec& model) {
  DEIT_RETURN_IF_ERROR(CheckStageCount("widths", model.widths_size()));
  if (model.depths_size() != model.widths_size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("depths: ", model.depths_size(), " values: want one for each of the ", model.widths_size(), " widths"));
  }
  const int64_t blocks = std::accumulate(model.depths().begin(), model.depths().end(), int64_t{0});
  if (blocks <= kMaxBlocks) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("depths: ", blocks, " blocks in all: want at most ", kMaxBlocks));
}

}  // namespace deit::models
