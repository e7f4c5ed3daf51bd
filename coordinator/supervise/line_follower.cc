#include "coordinator/supervise/line_follower.h"

#include <algorithm>

#include "absl/strings/str_split.h"
#include "common/files/file_system.h"

namespace deit::supervise {
namespace {

constexpr uint64_t kMostBytes = 1 << 20;
constexpr uint64_t kTailBytes = 64 << 10;

// Up to `bytes` from `offset`; empty at the end and where the file cannot be read.
std::string ReadFrom(const std::string& path, uint64_t offset, uint64_t bytes) {
  const auto file = files::FileSystem::Posix().OpenForRead(path);
  if (!file.ok() || (*file)->Size() <= offset) return "";
  std::string text(std::min(bytes, (*file)->Size() - offset), '\0');
  return (*file)->ReadAt(offset, text.data(), text.size()).ok() ? text : "";
}

}  // namespace

std::vector<std::string> LineFollower::NewLines() {
  std::string text = ReadFrom(path_, offset_, kMostBytes);
  const size_t end = text.rfind('\n');
  if (end == std::string::npos) {
    if (text.size() == kMostBytes) offset_ += text.size();  // no line is that long: it is none of ours
    return {};
  }
  offset_ += end + 1;
  text.resize(end);
  return absl::StrSplit(text, '\n');
}

void LineFollower::SkipToEnd() {
  while (!NewLines().empty()) {
  }
}

std::string TailOf(const std::string& path, uint64_t bytes) {
  const auto info = files::FileSystem::Posix().Stat(path);
  if (!info.ok()) return "";
  return ReadFrom(path, info->bytes > bytes ? info->bytes - bytes : 0, bytes);
}

std::vector<std::string> LastLines(const std::string& path, size_t count) {
  std::string text = TailOf(path, kTailBytes);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.empty()) return {};
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<int64_t>(count));
  return lines;
}

}  // namespace deit::supervise
