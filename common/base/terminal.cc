#include "common/base/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace deit {
namespace {

constexpr int kMaxAncestors = 16;

// Name and parent of a process from /proc/PID/stat: "PID (NAME) STATE PPID ...". False when it is gone.
bool ReadProcess(int pid, std::string* name, int* parent) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string text;
  if (!std::getline(file, text)) return false;
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 4 >= text.size()) return false;
  *name = text.substr(open + 1, close - open - 1);
  *parent = std::atoi(text.c_str() + close + 4);
  return true;
}

// The process whose stdout people see: mpirun's for its workers, ours otherwise; 0 if that is on another host.
int ProcessOfOutput() {
  if (std::getenv("OMPI_COMM_WORLD_RANK") == nullptr) return getpid();
  int pid = getppid();
  for (int i = 0; i < kMaxAncestors && pid > 1; ++i) {
    std::string name;
    int parent = 0;
    if (!ReadProcess(pid, &name, &parent)) return 0;
    if (name == "mpirun" || name == "mpiexec" || name == "orterun") return pid;
    pid = parent;
  }
  return 0;
}

// A descriptor of the stream that people see, or -1. The caller closes it.
int OpenOutput(int fd) {
  const int pid = ProcessOfOutput();
  if (pid == getpid()) return ::dup(fd);
  const bool piped_by_mpirun = fd == STDERR_FILENO && ::isatty(STDOUT_FILENO) != 0;
  if (pid == 0 || (::isatty(fd) == 0 && !piped_by_mpirun)) return -1;
  return ::open(absl::StrCat("/proc/", pid, "/fd/", fd).c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

// What the environment says, else the terminal, else `otherwise`.
int SizeOf(int fd, const char* variable, unsigned short winsize::*dimension, int otherwise) {
  int chosen = 0;
  if (const char* text = std::getenv(variable); text != nullptr && absl::SimpleAtoi(text, &chosen) && chosen > 0) return chosen;
  struct winsize size {};
  if (const int output = OpenOutput(fd); output >= 0) {
    if (::ioctl(output, TIOCGWINSZ, &size) != 0) size.*dimension = 0;
    ::close(output);
  }
  return size.*dimension > 0 ? size.*dimension : otherwise;
}

}  // namespace

bool CanRewriteLines(int fd) {
  const char* term = std::getenv("TERM");
  if (term == nullptr || *term == '\0' || std::string(term) == "dumb") return false;
  const int output = OpenOutput(fd);
  const bool terminal = output >= 0 && ::isatty(output) != 0;
  if (output >= 0) ::close(output);
  return terminal;
}

int TerminalWidth(int fd) { return SizeOf(fd, "COLUMNS", &winsize::ws_col, 80); }

int TerminalHeight(int fd) { return SizeOf(fd, "LINES", &winsize::ws_row, 24); }

bool CanShowColor(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && CanRewriteLines(fd);
}

}  // namespace deit
