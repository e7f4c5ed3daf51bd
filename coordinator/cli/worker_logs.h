// What the workers of one attempt wrote: stdout.log and stderr.log in their folders.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/files/line_tail.h"
#include "common/run/run_folder.h"

namespace deit::cli {

// Workers that have a folder in the attempt's, ascending.
std::vector<int> ListWorkers(files::FileSystem& fs, const run::RunFolder& folder, int attempt);

// The worker that people want to hear of a failed attempt: its root cause as summary.json says, else the one whose error.json came first.
// Nullopt: none failed, as far as the files say.
std::optional<int> FirstFailedWorker(files::FileSystem& fs, const run::RunFolder& folder, int attempt);

struct LogChoice {
  std::optional<int> worker;  // nullopt: all of them, each line with "[worker 3] " before it
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

  // Prints what has come since the last call: stdout.log to standard output, stderr.log to standard error. `ended`: nobody writes
  // any more, so that a last line without newline is whole.
  Status Print(bool ended);

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

}  // namespace deit::cli
