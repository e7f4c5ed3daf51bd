// The logs of one attempt's workers: stdout.log and stderr.log in their folders.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/files/line_tail.h"
#include "common/run/run_folder.h"

namespace deit::api {

enum class LogStream { kOut, kErr };

// Receives the lines of a request for logs, and notices about them.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void Line(int worker, LogStream stream, absl::string_view line) = 0;  // without its newline
  virtual void Notice(const std::string& message) = 0;                          // the next attempt, the worker that was chosen, the end
};

// Workers that have a folder in the attempt's, ascending.
std::vector<int> ListWorkers(files::FileSystem& fs, const run::RunFolder& folder, int attempt);

// The worker to show of a failed attempt: its root cause as summary.json says, else the one whose error.json came first.
// Nullopt: none failed, as far as the files say.
std::optional<int> FirstFailedWorker(files::FileSystem& fs, const run::RunFolder& folder, int attempt);

struct LogChoice {
  std::optional<int> worker;  // nullopt: all of them
  bool out = true;
  bool err = true;
  std::optional<uint64_t> tail;  // only the last so many lines of each file that is there at first
};

// Copies the logs as they grow. Not thread-safe.
class WorkerLogs {
 public:
  WorkerLogs(files::FileSystem& fs, run::RunFolder folder, int attempt, LogChoice choice)
      : fs_(&fs), folder_(std::move(folder)), attempt_(attempt), choice_(choice) {}

  int attempt() const { return attempt_; }

  // Passes on what has come since the last call: of each worker, stdout.log before stderr.log. `ended`: nothing is written any more,
  // so that a last line without newline is whole.
  Status CopyTo(LogSink& sink, bool ended);

 private:
  struct Tails {
    std::optional<files::LineTail> out, err;
  };
  StatusOr<Tails*> TailsOf(int worker);

  files::FileSystem* fs_;
  run::RunFolder folder_;
  int attempt_;
  LogChoice choice_;
  std::map<int, Tails> tails_;
};

}  // namespace deit::api
