// Files of a job across its attempts, written by its owner: `deit-coord run`, or worker 0 of a bare mpirun.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/files/file_lock.h"
#include "common/job/folder_claim.h"
#include "common/job/state_folder.h"
#include "common/run/events.h"
#include "common/run/run_folder.h"
#include "common/run/run_identity.h"
#include "common/run/summary.h"
#include "proto/job.pb.h"
#include "proto/spec.pb.h"

namespace deit::job {

struct JobStoreOptions {
  bool allow_config_change = false;  // the run folder's job may have had other RESULT fields
  bool take_over = false;            // an attempt that lives although its owner died is taken over; else it is refused
  bool fresh_start = false;          // checkpoints that are there are put aside, as checkpoints_before_attempt_N
  int workers = 1;                   // wanted; with --np=MIN:MAX also the bounds
  int workers_min = 1;
  int workers_max = 1;
  std::string init_from_digest = {};  // of the JobDigest
};

// Holds the run folder's lock as long as it lives. Once it is made nothing it does can stop training: what cannot be written is logged
// once. Not thread-safe.
class JobStore {
 public:
  // Makes and locks spec.run_dir, decides about an attempt that lives there before anything is changed (folder_claim.h), checks that the
  // folder is this job's (one without a checkpoint may become another's), writes config.textproto. Errors carry exit code 73: folder
  // unwritable, in use, of another job, or with an attempt that lives and cannot be gone on with.
  static StatusOr<std::unique_ptr<JobStore>> Take(const v1::JobSpec& spec, const std::string& spec_digest, const JobStoreOptions& options);

  const run::RunFolder& folder() const { return folder_; }
  const std::string& job() const { return identity_.job; }
  const std::optional<StateFolder>& state_folder() const { return state_folder_; }  // nullopt: there is none to write to

  // True once the job's final end was requested (`deit-coord cancel`).
  bool CancelRequested() const;

  // The attempt that an owner before this one began, to be gone on with: it lives, or its end was not recorded. Only with
  // `take_over`.
  const std::optional<v1::JobRecord>& inherited_attempt() const { return inherited_; }

  // OK while the run folder is where it was. FailedPrecondition (73): it was moved or removed, and the job's files with it. Ask it once a
  // second.
  Status CheckFolder() const;

  // Draws the next attempt's number, makes its folder, and begins it in the summary. Refused (73) while a process of the attempt before
  // still lives: waits 5 s for those that are on their way out.
  StatusOr<int> BeginAttempt();

  // Instead: goes on with the last one, which an owner that died has begun.
  void ResumeAttempt(int attempt);

  void Event(v1::Event::Reason reason, const std::string& message, const run::EventSubject& subject = {});
  void CopyEvent(const v1::Event& event);

  // The summary's next chapter, as common/run/summary.h says; each writes summary.json, and the job's record follows.
  void Started(const v1::AttemptStart& start);
  void Ended(const v1::AttemptResult& result);
  void Ended(const run::AttemptEnd& end);
  const v1::Summary& summary() const { return summary_; }
  void AddRecovery(const v1::Summary::Recovery& recovery);  // to the last attempt

  // Where the job is now, in its record and its summary.
  void CheckpointState(v1::JobState::Value state, const std::string& reason = "", const std::string& hint = "");

  // The end: a state that is one, the event of it with `message`, and the record's end.
  void End(v1::JobState::Value state, const std::string& message, const std::string& reason = "", const std::string& hint = "");

  // The end of a job by itself: state by exit code (and cancel request), reason and hint by status.
  void Finish(const Status& status);

  // The rest of the record: change it, then Publish(). PublishIfStale() publishes if nothing was for five seconds.
  v1::JobRecord& record() { return record_; }
  const v1::JobRecord& record() const { return record_; }
  void Publish();
  void PublishIfStale();

 private:
  JobStore(run::RunFolder folder, files::FileLock lock) : folder_(std::move(folder)), lock_(std::move(lock)) {}
  void BeginRecord(const v1::JobSpec& spec, const JobStoreOptions& options);
  void Inherit(const v1::JobSpec& before, const v1::JobSpec& spec, ClaimDecision decision, const JobStoreOptions& options);
  void WriteSummary();
  void Check(const Status& status);

  run::RunFolder folder_;
  files::FileLock lock_;
  run::Identity identity_;
  std::optional<StateFolder> state_folder_;
  std::optional<run::EventLog> events_;
  v1::Summary summary_;
  v1::JobRecord record_;
  std::optional<v1::JobRecord> inherited_;
  uint64_t job_file_ = 0;                                 // inode of job.json
  absl::Duration published_ = -absl::InfiniteDuration();  // clock's Elapsed()
  bool write_error_logged_ = false;
};

}  // namespace deit::job
