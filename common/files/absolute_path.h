// Resolution of relative paths in job files and on command lines.
#pragma once

#include <string>

#include "common/base/status.h"

namespace deit::files {

// `path` taken from `folder` (absolute), without ".", ".." and trailing slashes: "/jobs" + "../data/x/" -> "/data/x". Does not look
// at the disk, so links are not resolved.
std::string AbsolutePath(const std::string& folder, const std::string& path);

// The parent folder of a path, as an absolute path.
std::string FolderOf(const std::string& absolute_file);

// A file's name without folder and last suffix: "/jobs/a.b.textproto" -> "a.b".
std::string StemOf(const std::string& file);

// The current folder; fails where it has been removed.
StatusOr<std::string> CurrentFolder();

}  // namespace deit::files
