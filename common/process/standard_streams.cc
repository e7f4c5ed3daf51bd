#include "common/process/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

namespace deit::process {

void OpenStandardStreams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    if (::open("/dev/null", O_RDWR) < 0) return;  // the lowest free descriptor: `fd`
  }
}

}  // namespace deit::process
