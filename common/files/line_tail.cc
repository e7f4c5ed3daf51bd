#include "common/files/line_tail.h"

#include <algorithm>

namespace deit::files {
namespace {
constexpr uint64_t kChunk = 64 << 10;
}

Status LineTail::SkipTo(uint64_t lines) {
  auto file = fs_->OpenForRead(path_);
  if (absl::IsNotFound(file.status())) return absl::OkStatus();
  DEIT_RETURN_IF_ERROR(file.status());
  position_ = (*file)->Size();
  uint64_t ends = 0;  // of lines, from the file's end; its own last newline is the first
  std::string chunk;
  for (uint64_t end = position_; end > 0;) {
    const uint64_t begin = end - std::min(end, kChunk);
    chunk.resize(end - begin);
    DEIT_RETURN_IF_ERROR((*file)->ReadAt(begin, chunk.data(), chunk.size()));
    if (end == position_ && chunk.back() != '\n') ++ends;
    for (uint64_t i = end; i > begin; --i) {
      if (chunk[i - 1 - begin] == '\n' && ++ends > lines) {
        position_ = i;
        return absl::OkStatus();
      }
    }
    end = begin;
  }
  position_ = 0;
  return absl::OkStatus();
}

Status LineTail::Read(absl::FunctionRef<void(absl::string_view line)> line) {
  auto file = fs_->OpenForRead(path_);
  if (absl::IsNotFound(file.status())) return absl::OkStatus();
  DEIT_RETURN_IF_ERROR(file.status());
  std::string chunk;
  while (position_ < (*file)->Size()) {
    chunk.resize(std::min(kChunk, (*file)->Size() - position_));
    DEIT_RETURN_IF_ERROR((*file)->ReadAt(position_, chunk.data(), chunk.size()));
    position_ += chunk.size();
    absl::string_view rest = chunk;
    for (size_t end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
      pending_.append(rest.data(), end);
      line(pending_);
      pending_.clear();
      rest.remove_prefix(end + 1);
    }
    pending_.append(rest.data(), rest.size());
    if (pending_.size() >= kMaxLine) {
      line(pending_);
      pending_.clear();
    }
  }
  return absl::OkStatus();
}

Status LineTail::ReadToEnd(absl::FunctionRef<void(absl::string_view line)> line) {
  DEIT_RETURN_IF_ERROR(Read(line));
  if (!pending_.empty()) line(pending_);
  pending_.clear();
  return absl::OkStatus();
}

}  // namespace deit::files
