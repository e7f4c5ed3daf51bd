// What an attempt writes while it runs, as the owner reads it: worker 0's events go into the job's, messages to the terminal.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "common/files/line_tail.h"
#include "common/job/job_store.h"
#include "common/metrics/progress.h"

namespace deit::supervise {

// Not thread-safe.
class AttemptLog {
 public:
  // `fresh`: an attempt that this owner launched; of another's, messages written so far were seen already, and those of its events that the
  // job's log has are not copied again. `owner` outlives it.
  AttemptLog(job::JobStore* owner, int attempt, bool fresh);

  // Passes on what is new.
  void Follow();

 private:
  void LookForStart();
  void CopyEvents();
  void ShowProgress();

  job::JobStore* owner_;
  int attempt_;
  bool started_ = false;          // start.json was there
  std::set<std::string> copied_;  // lines of the job's events that an earlier owner wrote
  files::LineTail events_, output_, errors_;
  std::unique_ptr<metrics::Progress> progress_;  // only where a line can be rewritten
  double shown_ = 0;                             // progress.json's time
};

}  // namespace deit::supervise
