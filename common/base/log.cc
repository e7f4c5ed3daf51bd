#include "common/base/log.h"

#include <glog/logging.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/mutex.h"
#include "common/base/output_queue.h"

namespace deit {
namespace {

Mutex mutex;  // one line at a time, and the name
std::string& Name() DEIT_REQUIRES(mutex) {
  static std::string* name = new std::string("deit");
  return *name;
}
std::atomic<void (*)(int)> before_line{nullptr};
std::atomic<int> stdout_copy{-1};
std::atomic<int> stderr_copy{-1};

// Takes glog's messages to stderr, without its prefix.
class StderrSink final : public google::LogSink {
 public:
  using google::LogSink::send;
  void send(google::LogSeverity, const char*, const char*, int, const google::LogMessageTime&, const char* text, size_t size) override {
    WriteOutput(STDERR_FILENO, absl::StrCat(absl::string_view(text, size), "\n"));
  }
};

// glog has no files of its own.
void InitialiseGlog() {
  static const bool done = [] {
    FLAGS_logtostderr = true;
    if (!google::IsGoogleLoggingInitialized()) google::InitGoogleLogging("deit");
    return true;
  }();
  static_cast<void>(done);
}

void WriteLine(google::LogSeverity severity, absl::string_view text) DEIT_REQUIRES(mutex) {
  if (auto* hook = before_line.load()) hook(STDERR_FILENO);
  static StderrSink& sink = *new StderrSink();
  const std::string line = absl::StrCat(text, "\n");
  // glog ends the line itself; its own buffer ends at 30,000 bytes, and longer texts are rare enough to be cut there.
  google::LogMessage(__FILE__, __LINE__, severity, &sink, false).stream().write(line.data(), static_cast<std::streamsize>(line.size()));
  WriteDirectly(stderr_copy.load(), line);
}

void Write(google::LogSeverity severity, absl::string_view level, absl::string_view text) {
  InitialiseGlog();
  const MutexLock lock(mutex);
  WriteLine(severity, absl::StrCat(Name(), ": ", level, text));
}

void WriteCrash(const char* data, size_t size) {
  WriteDirectly(STDERR_FILENO, {data, size});
  WriteDirectly(stderr_copy.load(), {data, size});
}

}  // namespace

void SetLogName(absl::string_view name) {
  const MutexLock lock(mutex);
  Name() = std::string(name);
}
void SetBeforeLogLine(void (*hook)(int fd)) {
  const MutexLock lock(mutex);  // once this returns, the old hook no longer runs
  before_line.store(hook);
}

void LogInfo(absl::string_view text) { Write(google::GLOG_INFO, "", text); }
void LogWarning(absl::string_view text) { Write(google::GLOG_WARNING, "warning: ", text); }
void LogError(absl::string_view text) { Write(google::GLOG_ERROR, "error: ", text); }

void LogVerbatim(absl::string_view line) {
  InitialiseGlog();
  const MutexLock lock(mutex);
  WriteLine(google::GLOG_INFO, line);
}

void PrintLine(absl::string_view text) {
  const MutexLock lock(mutex);
  if (auto* hook = before_line.load()) hook(STDOUT_FILENO);
  const std::string line = absl::StrCat(text, "\n");
  WriteOutput(STDOUT_FILENO, line);
  WriteDirectly(stdout_copy.load(), line);
}

void CopyOutputLine(absl::string_view text) {
  const MutexLock lock(mutex);
  const std::string line = absl::StrCat(text, "\n");
  WriteDirectly(stdout_copy.load(), line);
}

void RunBetweenLogLines(absl::FunctionRef<void()> action) {
  const MutexLock lock(mutex);
  action();
}

void SetLogCopies(int new_stdout_copy, int new_stderr_copy) {
  const MutexLock lock(mutex);  // once this returns, nothing is written to the old descriptors
  stdout_copy.store(new_stdout_copy);
  stderr_copy.store(new_stderr_copy);
}

void InstallCrashHandler() {
  InitialiseGlog();
  struct sigaction terminate {};
  ::sigaction(SIGTERM, nullptr, &terminate);
  google::InstallFailureSignalHandler();  // takes SIGTERM too, which is no crash
  google::InstallFailureWriter(WriteCrash);
  ::sigaction(SIGTERM, &terminate, nullptr);
}

}  // namespace deit
