#include "common/process/message_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/memory/memory.h"
#include "common/base/log.h"

namespace deit::process {
namespace {

StatusOr<int> OpenForAppending(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be opened for appending"));
  return fd;
}

}  // namespace

StatusOr<std::unique_ptr<MessageCopy>> MessageCopy::Start(const std::string& stdout_path, const std::string& stderr_path) {
  DEIT_ASSIGN_OR_RETURN(const int stdout_copy, OpenForAppending(stdout_path));
  auto close = absl::MakeCleanup([stdout_copy] { ::close(stdout_copy); });
  DEIT_ASSIGN_OR_RETURN(const int stderr_copy, OpenForAppending(stderr_path));
  std::move(close).Cancel();
  return absl::WrapUnique(new MessageCopy(stdout_copy, stderr_copy));
}

MessageCopy::MessageCopy(int stdout_copy, int stderr_copy) : stdout_copy_(stdout_copy), stderr_copy_(stderr_copy) {
  SetLogCopies(stdout_copy_, stderr_copy_);
}

MessageCopy::~MessageCopy() {
  SetLogCopies(-1, -1);
  ::close(stdout_copy_);
  ::close(stderr_copy_);
}

}  // namespace deit::process
