// Where a relative path of a job file or a command line points.
#pragma once

#include <string>

#include "common/base/status.h"

namespace deit::spec {

// `path` taken from `folder` (absolute), without ".", ".." and trailing slashes: "/jobs" + "../data/x/" -> "/data/x". Does not look
// at the disk, so links are not resolved.
std::string AbsolutePath(const std::string& folder, const std::string& path);

// The folder that a file's path stands in, as an absolute path.
std::string FolderOf(const std::string& absolute_file);

// A file's name without folder and last suffix: "/jobs/a.b.textproto" -> "a.b".
std::string StemOf(const std::string& file);

// The current folder; fails where it has been removed.
StatusOr<std::string> CurrentFolder();

}  // namespace deit::spec
