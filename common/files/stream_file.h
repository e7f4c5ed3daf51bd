// Files whose size is not known before their end: pipes and terminals.
#pragma once

#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "common/base/status.h"

namespace deit::files {

// All that comes from `path` until its end, be it a pipe ("/dev/stdin", bash's "<(...)"), a terminal or a regular file. Errors as FileSystem's;
// ResourceExhausted beyond `max_bytes`; DeadlineExceeded where nothing came for `silence_limit`.
StatusOr<std::string> ReadToEnd(const std::string& path, size_t max_bytes, absl::Duration silence_limit = absl::Minutes(1));

}  // namespace deit::files
