// Copies of a worker's log lines in its log folder: stdout.log and stderr.log get every line that common/base/log.h writes, as it is
// written. No pipe and no other process is involved, so nothing is lost or delayed when a worker is killed.
#pragma once

#include <memory>
#include <string>

#include "common/base/status.h"

namespace deit::process {

// While it lives, lines are copied. At most one per process.
class MessageCopy {
 public:
  // Opens both files for appending, so that an attempt that goes on in another process adds to them.
  static StatusOr<std::unique_ptr<MessageCopy>> Start(const std::string& stdout_path, const std::string& stderr_path);

  ~MessageCopy();
  MessageCopy(const MessageCopy&) = delete;
  MessageCopy& operator=(const MessageCopy&) = delete;

 private:
  MessageCopy(int stdout_copy, int stderr_copy);
  const int stdout_copy_;
  const int stderr_copy_;
};

}  // namespace deit::process
