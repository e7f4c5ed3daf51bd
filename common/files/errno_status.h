// Conversion of errno to Status.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::files {

// "PATH: ACTION: no space left on device", with the code that FileSystem promises.
Status ErrnoStatus(absl::string_view action, const std::string& path, int error);

}  // namespace deit::files
