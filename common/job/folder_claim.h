// The decision whether a process may become the owner of a run folder's job, made before anything in the folder is changed.
#pragma once

#include <optional>
#include <string>

#include "common/base/status.h"
#include "common/files/file_system.h"
#include "common/job/job_health.h"
#include "common/run/run_folder.h"
#include "proto/job.pb.h"

namespace deit::job {

// What is seen of the folder's job.
struct FolderLook {
  int attempt = 0;            // the newest; 0: none
  std::string spec_digest;    // empty: no job, or a copy of one that was not started yet
  v1::JobRecord record;       // its owner's last word, with the newest attempt and its guardian, whether or not the owner recorded them
  bool recorded = false;      // the owner's last word could be read
  bool ended = false;         // it was an end; the record does not have it any more
  LivenessEvidence evidence;  // of the newest attempt
};

// Never fails: what cannot be read is not there. Changes nothing.
FolderLook LookAtFolder(files::FileSystem& fs, const run::RunFolder& folder);

struct FolderClaim {
  std::string spec_digest;   // of the job that the claimant wants to run
  bool take_over = false;    // it can go on with an attempt that lives
  bool fresh_start = false;  // without what is there
};

struct ClaimDecision {
  std::optional<v1::JobRecord> inherited;  // the attempt to go on with: it lives, or its end was not recorded
  bool attempt_lives = false;              // the inherited one
};

// Pure; `now` in Unix seconds. Refused (FailedPrecondition, exit code 73) while an owner lives, and while an attempt lives that the
// claimant cannot or may not go on with: another job's, one to be started fresh, one of another machine or pid namespace, one without a
// guardian. The claimant holds the owner's lock: an owner that lives all the same lost its lock file, or is on a machine that this lock
// does not reach.
StatusOr<ClaimDecision> DecideClaim(const run::RunFolder& folder, const FolderLook& look, const FolderClaim& claim, double now);

// Whether the newest attempt lives although no guardian does: its last processes are on their way out, so a second look may find it over.
bool IsEnding(const FolderLook& look);

}  // namespace deit::job
