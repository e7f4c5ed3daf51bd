// Follows a growing text file line by line.
#pragma once

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "common/files/file_system.h"

namespace deit::files {

// Not thread-safe.
class LineTail {
 public:
  // Nothing is read yet; `fs` outlives it. A file that is not there is one without lines, so far.
  LineTail(FileSystem& fs, std::string path) : fs_(&fs), path_(std::move(path)) {}

  // Begins at the last `lines` lines that are there now. Before the first Read only.
  Status SkipTo(uint64_t lines);

  // Calls `line` with each line that has come whole since the last call, without its newline. One longer than kMaxLine comes in pieces.
  Status Read(absl::FunctionRef<void(absl::string_view line)> line);

  // The same, and a last line without newline: once the writer has ended.
  Status ReadToEnd(absl::FunctionRef<void(absl::string_view line)> line);

  static constexpr size_t kMaxLine = 1 << 20;

 private:
  FileSystem* fs_;
  std::string path_;
  uint64_t position_ = 0;  // everything before was read
  std::string pending_;    // of it, the beginning of a line that has no end yet
};

}  // namespace deit::files
