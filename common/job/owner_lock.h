// The lock of a job's owner, RUN/lock; where the run folder's file system has none, a file in the state folder.
#pragma once

#include "common/base/status.h"
#include "common/files/file_lock.h"
#include "common/run/run_folder.h"

namespace deit::job {

// Takes it (run::LockRunFolder). A file system without locks costs a warning, and its jobs are then kept apart on this machine only.
StatusOr<files::FileLock> LockOwner(const run::RunFolder& folder);

// Whether an owner holds it. Creates nothing.
files::LockState LookAtOwnerLock(const run::RunFolder& folder);

}  // namespace deit::job
