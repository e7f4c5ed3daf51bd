// Identity of a run folder: its job id and the digest of its spec, in job.json. The file also says when it was created and which inode it
// is, so a copy of the folder knows itself for a copy and draws an id of its own at its first start; a moved folder keeps its id (across
// file systems a move is a copy). A lost or broken job.json costs the id, nothing else.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "common/base/status.h"
#include "common/files/file_system.h"
#include "common/run/run_folder.h"
#include "proto/run.pb.h"

namespace deit::run {

struct IdentityRequest {
  std::string spec_digest;            // of the job that wants to run here
  bool allow_config_change = false;   // --allow_config_change
  std::string init_from_digest = {};  // of the weights at model.init_from, recorded in job.json; empty: none
};

struct Identity {
  std::string job;              // 8 hex digits
  bool first_start = false;     // no job was here
  bool is_copy = false;         // of another folder: the id is new
  bool config_changed = false;  // another job's spec was here, and that was allowed
};

// At a job's start, under the owner's lock: the folder becomes, or stays, this job's. Refused with exit code 73 when it holds a
// job with another spec digest and that is not allowed; `field_diff` is then asked for the lines to show
// ("train.batch_size: 64 -> 128"), and may answer with nothing.
StatusOr<Identity> ClaimIdentity(files::FileSystem& fs, const RunFolder& folder, const IdentityRequest& request,
                                 absl::FunctionRef<std::string()> field_diff);

// What was behind model.init_from when the folder, or the one that it is a copy of, became this job's; empty: nothing, or not known.
std::string InitFromDigest(files::FileSystem& fs, const RunFolder& folder);

// Job id and spec digest, for readers. NotFound: not a run folder, a copy that was never started, or a broken job.json.
StatusOr<v1::RunIdentity> ReadIdentity(files::FileSystem& fs, const RunFolder& folder);

}  // namespace deit::run
