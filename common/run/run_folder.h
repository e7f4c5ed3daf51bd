// Run folder: paths of all files of a job, relative to the folder, so that it may be moved or copied. Failures carry exit code 73 and a
// hint. docs/formats.md describes each file.
#pragma once

#include <string>

#include "common/base/status.h"
#include "common/files/file_lock.h"
#include "common/files/file_system.h"

namespace deit::run {

// The layout. A value; makes nothing.
class RunFolder {
 public:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }

  std::string Config() const { return In("config.textproto"); }  // merged spec; the only file that may hold absolute paths
  std::string Job() const { return In("job.json"); }             // run_identity.h
  std::string Lock() const { return In("lock"); }
  std::string Summary() const { return In("summary.json"); }
  std::string Progress() const { return In("progress.json"); }
  std::string Metrics() const { return In("metrics.jsonl"); }
  std::string Events() const { return In("events.jsonl"); }
  std::string SummaryCsv() const { return In("summary.csv"); }
  std::string TensorBoard() const { return In("tb"); }           // a folder
  std::string Checkpoints() const { return In("checkpoints"); }  // a folder
  std::string Logs() const { return In("logs"); }                // a folder
  std::string Control() const { return In("control.json"); }     // where the owner listens (ControlAddress)

  // Attempts count from 1, workers from 0.
  std::string Attempt(int attempt) const;         // logs/attempt_1, a folder
  std::string Guardian(int attempt) const;        // logs/attempt_1/guardian.json
  std::string Alive(int attempt) const;           // logs/attempt_1/alive: the lock of its processes (common/job/attempt_lock.h)
  std::string LauncherStdout(int attempt) const;  // logs/attempt_1/launcher.stdout.log
  std::string LauncherStderr(int attempt) const;
  std::string Start(int attempt) const;               // logs/attempt_1/start.json
  std::string AttemptEvents(int attempt) const;       // logs/attempt_1/events.jsonl
  std::string Result(int attempt) const;              // logs/attempt_1/result.json
  std::string Exit(int attempt) const;                // logs/attempt_1/exit.json
  std::string Worker(int attempt, int worker) const;  // logs/attempt_1/worker_0, a folder
  std::string Stdout(int attempt, int worker) const;
  std::string Stderr(int attempt, int worker) const;
  std::string Error(int attempt, int worker) const;  // error.json

 private:
  std::string In(const char* name) const { return path_ + "/" + name; }
  std::string path_;
};

// Makes the folder, what is missing above it, and tb/, checkpoints/ and logs/ in it. One that exists is fine.
Status MakeRunFolder(files::FileSystem& fs, const RunFolder& folder);

// The owner's lock: held for as long as the job's owner lives, over all attempts. Refused while another process holds it,
// naming that one's pid and host. Unimplemented where the file system has no locks (common/job/owner_lock.h).
StatusOr<files::FileLock> LockRunFolder(const RunFolder& folder);

// The highest attempt that has a folder; 0: none. NotFound is 0 too.
StatusOr<int> LastAttempt(files::FileSystem& fs, const RunFolder& folder);

// Makes the folder of the next attempt and returns its number: one more than the highest there is. Only under the lock. A run folder that
// is gone is not made again: it was moved, and its files are elsewhere. The same holds for MakeWorkerFolder.
StatusOr<int> StartAttempt(files::FileSystem& fs, const RunFolder& folder);

// Makes a worker's folder in its attempt's. Each worker makes its own.
Status MakeWorkerFolder(files::FileSystem& fs, const RunFolder& folder, int attempt, int worker);

}  // namespace deit::run
