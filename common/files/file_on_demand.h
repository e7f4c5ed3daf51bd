// File for reading that is closed when many others were read since: a checkpoint of many workers has more files than a process may have open.
#pragma once

#include <memory>
#include <string>

#include "common/files/file_system.h"

namespace deit::files {

inline constexpr size_t kMostOpenOnDemand = 32;  // of the whole process

// As FileSystem::OpenForRead, but of all such files only the kMostOpenOnDemand that were read last stay open; the others are opened again
// by their path when they are read. DataLoss for one whose size or time has changed since. Thread-safe. `fs` outlives the file.
StatusOr<std::unique_ptr<RandomAccessFile>> OpenOnDemand(FileSystem& fs, const std::string& path);

}  // namespace deit::files
