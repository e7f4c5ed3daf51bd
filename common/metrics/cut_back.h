// Truncation of metric files on resume: lines of steps after the checkpoint are removed, so that each step appears once. Files of
// lines in ascending order are truncated in place, which a crash leaves done or not done.
#pragma once

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::metrics {

// Truncates `path` after its last whole line for which `keep` holds; a torn last line (without its newline) and every line
// after the kept one go, regardless of their content. Reads backwards from the end, so the cost is that of what goes. `keep` gets a line without
// its newline. Returns the number of whole lines removed; 0 for a file that does not exist.
StatusOr<int64_t> CutBackLines(const std::string& path, absl::FunctionRef<bool(absl::string_view line)> keep);

}  // namespace deit::metrics
