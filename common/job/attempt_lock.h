// The lock that shows that an attempt lives: logs/attempt_N/alive, held shared by its guardian, its launcher (which inherits the guardian's
// descriptor) and each of its workers; jobs/ID.alive in the state folder where the run folder's file system has no locks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/status.h"
#include "common/files/file_lock.h"
#include "common/run/run_folder.h"
#include "proto/job.pb.h"

namespace deit::job {

// One holder's share of it. Movable; destroying it gives the share up.
class AttemptLock {
 public:
  // Creates the file where it is missing; the attempt's folder exists. Refused (exit code 73) when the attempt is over, so that another has
  // begun.
  static StatusOr<AttemptLock> Hold(const run::RunFolder& folder, const std::string& job, int attempt);

  // The share that a parent passed on as `descriptor`.
  static StatusOr<AttemptLock> Adopt(const run::RunFolder& folder, int attempt, int descriptor);

  int descriptor() const { return lock_.descriptor(); }

  // Before anything is written that another attempt may have written too: OK while this is the folder's newest attempt, and its lock file
  // is the one that is held. Else exit code 73: another attempt has begun, or the run folder was moved or removed.
  Status CheckCurrent() const;

 private:
  AttemptLock(run::RunFolder folder, int attempt, files::FileLock lock)
      : folder_(std::move(folder)), attempt_(attempt), lock_(std::move(lock)) {}

  run::RunFolder folder_;
  int attempt_;
  files::FileLock lock_;
};

// The same from outside. Not thread-safe.
class AttemptLockProbe {
 public:
  AttemptLockProbe(const run::RunFolder& folder, const std::string& job, int attempt);

  files::LockState State() const;

  // Whether all its holders were of this machine since its last boot, as they wrote: a lock that is free then proves that none of them
  // lives.
  bool Here() const;

  // Whether a process can be of the attempt, as the kernel says: it lives and has the lock's file open, as only its processes and those
  // that ask about it do. What a file in the run folder names may be any process of this user, and nothing is signalled because of it.
  bool IsMember(const v1::ProcessIdentity& identity) const;

  // All processes of this pid namespace that hold a share of the lock, without the caller: nothing has to have named them.
  std::vector<v1::ProcessIdentity> Members() const;

 private:
  files::LockProbe probe_;
};

// Takes the lock of an attempt that is over, alone: while it is held no late worker joins that attempt. Waits at most `limit` for processes
// on their way out; FailedPrecondition (exit code 73) when some still live. nullopt: the attempt has no lock file, so an older version
// began it.
StatusOr<std::optional<files::FileLock>> LockEndedAttempt(const run::RunFolder& folder, const std::string& job, int attempt,
                                                          absl::Duration limit);

}  // namespace deit::job
