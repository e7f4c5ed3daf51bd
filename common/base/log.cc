#include "common/base/log.h"

#include <unistd.h>

#include <atomic>
#include <mutex>
#include <string>

#include "absl/strings/str_cat.h"

namespace deit {
namespace {

std::mutex mutex;
std::string& Name() {
  static std::string* name = new std::string("deit");
  return *name;
}
std::atomic<void (*)()> before_line{nullptr};

void Write(absl::string_view level, absl::string_view text) {
  if (auto* hook = before_line.load()) hook();
  std::lock_guard lock(mutex);
  const std::string line = absl::StrCat(Name(), ": ", level, text, "\n");
  // One write per line keeps lines of several processes whole. A closed stderr is not an error of the job.
  for (size_t done = 0; done < line.size();) {
    const ssize_t n = ::write(STDERR_FILENO, line.data() + done, line.size() - done);
    if (n <= 0) return;
    done += static_cast<size_t>(n);
  }
}

}  // namespace

void SetLogName(absl::string_view name) {
  std::lock_guard lock(mutex);
  Name() = std::string(name);
}
void SetBeforeLogLine(void (*hook)()) { before_line.store(hook); }

void LogInfo(absl::string_view text) { Write("", text); }
void LogWarning(absl::string_view text) { Write("warning: ", text); }
void LogError(absl::string_view text) { Write("error: ", text); }

}  // namespace deit
