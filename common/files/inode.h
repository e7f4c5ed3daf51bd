// Identity of a file beyond its path: a copy has another one. Inodes have no seam: copies exist on real file systems only.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/status.h"

namespace deit::files {

// The inode number of what is at `path`, links followed. NotFound where nothing is; other errors as ErrnoStatus gives them.
StatusOr<uint64_t> InodeOf(const std::string& path);

}  // namespace deit::files
