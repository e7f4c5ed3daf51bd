#include "common/metrics/cut_back.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/cleanup/cleanup.h"

namespace deit::metrics {
namespace {

constexpr int64_t kPieceBytes = 4 << 10;
constexpr int64_t kMaxLineBytes = 1 << 20;  // ours are far shorter; a longer one is damage

Status Failed(const std::string& path, absl::string_view what) { return absl::ErrnoToStatus(errno, absl::StrCat(path, ": ", what)); }

// A file read from its end.
struct Source {
  int fd;
  const std::string& path;

  // The bytes [begin, end).
  StatusOr<std::string> Read(int64_t begin, int64_t end) const {
    std::string bytes(static_cast<size_t>(end - begin), '\0');
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::pread(fd, bytes.data() + done, bytes.size() - done, begin + static_cast<int64_t>(done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Failed(path, "cannot be read");
      if (n == 0) return absl::DataLossError(absl::StrCat(path, ": became shorter while it was read"));
      done += static_cast<size_t>(n);
    }
    return bytes;
  }

  // The offset just after the last newline in [0, end); 0 if there is none.
  StatusOr<int64_t> AfterLastNewline(int64_t end) const {
    while (end > 0) {
      const int64_t begin = std::max<int64_t>(0, end - kPieceBytes);
      DEIT_ASSIGN_OR_RETURN(const std::string bytes, Read(begin, end));
      if (const size_t at = bytes.rfind('\n'); at != std::string::npos) return begin + static_cast<int64_t>(at) + 1;
      end = begin;
    }
    return 0;
  }
};

}  // namespace

StatusOr<int64_t> CutBackLines(const std::string& path, absl::FunctionRef<bool(absl::string_view line)> keep) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return 0;
  if (fd < 0) return Failed(path, "cannot be opened");
  const auto close = absl::MakeCleanup([fd] { ::close(fd); });
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Failed(path, "cannot be examined");

  const Source source{fd, path};
  DEIT_ASSIGN_OR_RETURN(int64_t end, source.AfterLastNewline(info.st_size));
  int64_t removed = 0;
  while (end > 0) {
    DEIT_ASSIGN_OR_RETURN(const int64_t begin, source.AfterLastNewline(end - 1));
    if (end - begin <= kMaxLineBytes) {
      DEIT_ASSIGN_OR_RETURN(const std::string line, source.Read(begin, end - 1));
      if (keep(line)) break;
    }
    end = begin;
    ++removed;
  }
  if (end < info.st_size && (::ftruncate(fd, end) != 0 || ::fsync(fd) != 0)) return Failed(path, "cannot be cut back");
  return removed;
}

}  // namespace deit::metrics
