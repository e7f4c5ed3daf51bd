// Location of the pixel file of an IDX data set, for worker/data.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/dataset/index.h"

namespace deit::dataset {

// The images file of `split` in data.root. NotFound with a hint.
absl::StatusOr<std::string> FindIdxImages(const v1::JobSpec& spec, Split split);

}  // namespace deit::dataset
