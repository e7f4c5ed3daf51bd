// Files that an attempt writes while it runs, followed by its controller: worker 0's events go into the job's, messages to the observer.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/files/file_system.h"
#include "common/files/line_tail.h"
#include "common/job/job_store.h"
#include "coordinator/job/job_observer.h"
#include "proto/run.pb.h"

namespace deit::job {

// Not thread-safe.
class AttemptLog {
 public:
  // `fresh`: an attempt that this controller launched. Of another's, messages written so far are skipped, and those of its events that the
  // job's log has are not copied again. All that is passed by reference outlives it.
  AttemptLog(files::FileSystem& fs, JobStore& store, JobObserver& observer, int attempt, int workers, bool fresh);

  // Passes on what is new. Returns worker 0's start.json, once.
  std::optional<v1::AttemptStart> Follow();

  // The last call, after the attempt's end: also its result.
  std::optional<v1::AttemptStart> Finish();

 private:
  std::optional<v1::AttemptStart> ReadStart();
  void CopyEvents();
  void ShowProgress();

  files::FileSystem& fs_;
  JobStore& store_;
  JobObserver& observer_;
  int attempt_;
  bool started_ = false;          // start.json was there
  std::set<std::string> copied_;  // lines of the job's events that an earlier controller wrote
  files::LineTail events_, output_;
  std::vector<files::LineTail> messages_;  // by worker: its own copy, which the launcher's words are not in
  double shown_ = 0;                       // progress.json's time
};

}  // namespace deit::job
