// Reads what is added to a growing text file, line by line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace deit::supervise {

// Not thread-safe. A file that does not exist yet is an empty one.
class LineFollower {
 public:
  explicit LineFollower(std::string path) : path_(std::move(path)) {}

  // The whole lines that were added since the last call, without their newlines; at most about 1 MiB of them per call.
  std::vector<std::string> NewLines();

  // What is there now counts as returned.
  void SkipToEnd();

 private:
  std::string path_;
  uint64_t offset_ = 0;  // of the first byte not returned yet
};

// The end of a text file, at most `bytes` of it; empty where it cannot be read.
std::string TailOf(const std::string& path, uint64_t bytes);

// The last `count` lines of it, of at most 64 KiB.
std::vector<std::string> LastLines(const std::string& path, size_t count);

}  // namespace deit::supervise
