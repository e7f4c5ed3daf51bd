// The job that a verb is about, looked at as often as wanted.
#pragma once

#include <string>

#include "common/job/job_health.h"
#include "common/job/observation.h"
#include "common/job/state_folder.h"
#include "common/run/summary.h"
#include "coordinator/cli/arguments.h"

namespace deit::cli {

struct JobSnapshot {
  job::Observation seen;
  job::JobHealth health;
  bool over() const { return run::IsEnd(health.state); }
};

class KnownJob {
 public:
  // The one word of the command line. A usage error without it, with more, or where several jobs begin so; exit 3 without such a job.
  static StatusOr<KnownJob> Find(const std::string& verb, const Arguments& arguments);

  // The job that `word` means: job::FindJobRecord.
  static StatusOr<KnownJob> Find(const std::string& word);

  // As it is now. Once its record is gone (pruned) or cannot be read: as it was.
  JobSnapshot Look();

  std::string Title() const;  // "job 7f3a0001 (deit-ti)": how sentences about it begin
  const std::string& id() const { return record_.job(); }
  const std::string& run_dir() const { return record_.run_dir(); }
  const job::StateFolder& state_folder() const { return folder_; }

 private:
  KnownJob(job::StateFolder folder, v1::JobRecord record) : folder_(std::move(folder)), record_(std::move(record)) {}
  job::StateFolder folder_;
  v1::JobRecord record_;
};

// "RUNNING", "FAILED: worker 1 on n1: exit 71": a state with its reason.
std::string StateText(const job::JobHealth& health);

// A time in seconds, as flags give it: "2", "0.5", also "90s", "5m". A usage error for anything else; negative ones too.
StatusOr<absl::Duration> ParseSeconds(const std::string& flag, const std::string& text);

}  // namespace deit::cli
