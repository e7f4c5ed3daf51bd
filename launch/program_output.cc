#include "launch/program_output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/numbers.h"

namespace deit::launch {
namespace {

constexpr size_t kMostOutput = 64 << 10;

StatusOr<pid_t> Spawn(std::vector<std::string> words, int output) {
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  const absl::Cleanup destroy = [&files] { ::posix_spawn_file_actions_destroy(&files); };
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t pid = 0;
  const int code = ::posix_spawnp(&pid, pointers[0], &files, nullptr, pointers.data(), environ);
  if (code == ENOENT) return absl::NotFoundError(absl::StrCat(words[0], ": not found in PATH"));
  if (code != 0) return absl::ErrnoToStatus(code, words[0]);
  return pid;
}

}  // namespace

StatusOr<std::string> ProgramOutput(const std::vector<std::string>& words, absl::Duration limit) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  const auto spawned = Spawn(words, ends[1]);
  ::close(ends[1]);
  const absl::Cleanup close_end = [&ends] { ::close(ends[0]); };
  if (!spawned.ok()) return spawned.status();

  Clock& clock = Clock::System();
  const absl::Duration deadline = clock.Elapsed() + limit;
  std::string output;
  bool closed = false;
  while (!closed && clock.Elapsed() < deadline) {
    pollfd wait{ends[0], POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(deadline - clock.Elapsed())) + 1) <= 0) continue;
    std::array<char, 4096> bytes;
    const ssize_t count = ::read(ends[0], bytes.data(), bytes.size());
    closed = count == 0 || (count < 0 && errno != EINTR);
    if (count > 0 && output.size() < kMostOutput) output.append(bytes.data(), static_cast<size_t>(count));
  }
  if (!closed) ::kill(*spawned, SIGKILL);
  while (::waitpid(*spawned, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (!closed) return absl::DeadlineExceededError(absl::StrCat(words[0], ": timed out after ", DurationText(limit)));
  return output;
}

}  // namespace deit::launch
