// State folder of this user's jobs on this machine: DEIT_STATE_DIR, else $XDG_STATE_HOME/deit, else ~/.local/state/deit. Where neither can
// be made (no home, or one that is read-only): /tmp/deit-state-UID. Only the user may read it, because it holds the jobs' tokens.
// docs/formats.md describes each file.
#pragma once

#include <string>

#include "common/base/status.h"

namespace deit::job {

// The layout. A value; looks at nothing.
class StateFolder {
 public:
  // What the environment says, as an absolute path; makes nothing. Empty variables count as unset, and so does a relative
  // XDG_STATE_HOME (the XDG specification wants that). All processes of a user on a machine come to the same folder.
  static StatusOr<StateFolder> FromEnvironment();

  explicit StateFolder(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }

  std::string Jobs() const { return path_ + "/jobs"; }                                    // a folder
  std::string Indexes() const { return path_ + "/indexes"; }                              // a folder: what data sets contain
  std::string Record(const std::string& job) const { return Of(job, kRecordSuffix); }     // its owner's word: job_record.h
  std::string Token(const std::string& job) const { return Of(job, ".token"); }           // secret of its control channel, mode 0600
  std::string CancelRequest(const std::string& job) const { return Of(job, ".cancel"); }  // exists once cancellation is requested

  std::string AttemptLock(const std::string& job) const { return Of(job, ".alive"); }      // attempt_lock.h, where RUN has no locks
  std::string FolderLock(const std::string& digest) const { return Of(digest, ".lock"); }  // owner_lock.h, by the digest of RUN's path

  static constexpr char kRecordSuffix[] = ".json";

 private:
  std::string Of(const std::string& job, const char* suffix) const { return Jobs() + "/" + job + suffix; }
  std::string path_;
};

// For those who write there: makes the folder, what is missing above it, and jobs/ in it, ours with mode 0700. A jobs/ that exists
// loses the rights of others; one of another user is refused (FailedPrecondition).
Status MakeStateFolder(const StateFolder& folder);

// The environment's folder for index files (common/dataset/listing_cache.h), whose state folder is made; "" where that cannot be.
std::string IndexFolder();

}  // namespace deit::job
