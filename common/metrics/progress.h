// Progress display of a run: one rewritten line on a terminal, plain lines elsewhere, and progress.json for other programs.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/files/file_system.h"
#include "proto/run.pb.h"

namespace deit::metrics {

struct ProgressOptions {
  std::string path;                                     // progress.json; empty: no file
  int log_interval = 50;                                // steps between plain lines
  bool rewrite = false;                                 // one rewritten line: CanRewriteLines(STDOUT_FILENO)
  files::FileSystem* fs = &files::FileSystem::Posix();  // outlives it
  Clock* clock = &Clock::System();                      // outlives it
};

// Worker 0's, at most one per process: it owns SetBeforeLogLine while it lives. One thread calls it; others may log meanwhile.
// Nothing it shows is coloured and only a terminal gets control characters, so NO_COLOR needs nothing more. The copy of stdout
// (message_copy.h) gets plain lines in either form.
class Progress {
 public:
  explicit Progress(const ProgressOptions& options);
  ~Progress();  // clears the rewritten line; the file has the last step
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Before the first step: the file alone.
  void Begin(v1::Progress progress);

  // After each step. Rewrites the line at most 10 times a second, or prints one when `log_interval` steps of the epoch are done;
  // replaces the file at most once a second. An epoch's last step leaves its line to FinishEpoch. Sets progress.time.
  void Update(v1::Progress progress);

  // While nothing new is to be shown, and the run goes on: the file says so, at most once a second.
  void Refresh();

  // After each epoch, and its evaluation if there is one: its plain line, the line on the terminal, and the file, at once.
  void FinishEpoch(v1::Progress progress);

 private:
  void PrintPlain(const v1::Progress& progress);
  void Redraw(const v1::Progress& progress);
  void WriteFile();

  const ProgressOptions options_;
  absl::Duration last_redraw_ = -absl::InfiniteDuration();  // clock's Elapsed()
  absl::Duration last_file_ = -absl::InfiniteDuration();
  v1::Progress newest_;
  bool file_is_old_ = false;  // does not have newest_
  bool file_failed_ = false;  // logged once
};

}  // namespace deit::metrics
