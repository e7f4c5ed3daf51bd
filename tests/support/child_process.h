// Runs a piece of a test in a forked process and catches what it prints: for signals, crashes, locks and terminals.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>

namespace deit::testing {

struct ChildResult {
  int status = -1;  // as waitpid gives it
  std::string out;  // stdout
  std::string err;  // stderr

  bool ExitedWith(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
  bool KilledBy(int signal) const { return WIFSIGNALED(status) && WTERMSIG(status) == signal; }
};

enum class ChildOutput { kPipe, kTerminal };  // kTerminal: stdout is a raw pseudo-terminal of 24 x `columns`

// `body` runs in the child, which then exits with 0; it may _exit() otherwise. A child that still runs after 20 s is killed.
inline ChildResult RunChild(const std::function<void()>& body, ChildOutput output = ChildOutput::kPipe, unsigned short columns = 200) {
  int out[2];  // we read [0]
  int err[2];
  if (::pipe(err) != 0) std::abort();
  if (output == ChildOutput::kPipe) {
    if (::pipe(out) != 0) std::abort();
  } else {
    struct winsize size {
      24, columns, 0, 0
    };
    struct termios raw {};
    ::cfmakeraw(&raw);
    if (::openpty(&out[0], &out[1], nullptr, &raw, &size) != 0) std::abort();
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    for (int fd : {out[0], out[1], err[0], err[1]}) ::close(fd);
    body();
    ::_exit(0);
  }
  ::close(out[1]);
  ::close(err[1]);

  ChildResult result;
  std::array<pollfd, 2> polled{pollfd{out[0], POLLIN, 0}, pollfd{err[0], POLLIN, 0}};
  const std::array<std::string*, 2> texts{&result.out, &result.err};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (polled[0].fd >= 0 || polled[1].fd >= 0) {
    if (std::chrono::steady_clock::now() > deadline) ::kill(pid, SIGKILL);
    if (::poll(polled.data(), polled.size(), 100) <= 0) continue;
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].fd < 0 || polled[i].revents == 0) continue;
      char bytes[4096];
      const ssize_t n = ::read(polled[i].fd, bytes, sizeof(bytes));
      if (n > 0) {
        texts[i]->append(bytes, static_cast<size_t>(n));
      } else {  // the end; a terminal says EIO
        ::close(polled[i].fd);
        polled[i].fd = -1;
      }
    }
  }
  ::waitpid(pid, &result.status, 0);
  return result;
}

}  // namespace deit::testing
