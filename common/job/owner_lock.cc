#include "common/job/owner_lock.h"

#include "common/base/digest.h"
#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/job/state_folder.h"
#include "common/process/identity.h"

namespace deit::job {
namespace {

std::string PathInStateFolder(const StateFolder& state, const run::RunFolder& folder) {
  return state.FolderLock(DigestHex(Digest64(folder.path().data(), folder.path().size())));
}

}  // namespace

StatusOr<files::FileLock> LockOwner(const run::RunFolder& folder) {
  auto lock = run::LockRunFolder(folder);
  if (!absl::IsUnimplemented(lock.status())) return lock;
  const auto state = StateFolder::FromEnvironment();
  if (!state.ok() || !MakeStateFolder(*state).ok()) return lock;
  auto instead = files::FileLock::Acquire(PathInStateFolder(*state, folder), process::Describe(process::Self()));
  if (absl::IsUnimplemented(instead.status())) return lock;
  if (!instead.ok()) {
    const Status refused = WithExitCode(Annotate(instead.status(), absl::StrCat("run_dir: ", folder.path())), ExitCode::kRunFolder);
    return WithHint(refused, "wait for that run or stop it, or choose another run_dir");
  }
  LogWarning(absl::StrCat(lock.status().message(), ": another machine is not kept from this folder; the lock is ", instead->path()));
  return instead;
}

files::LockState LookAtOwnerLock(const run::RunFolder& folder) {
  const files::LockState state = files::LockProbe(folder.Lock()).State();
  if (state != files::LockState::kUnknown) return state;
  const auto state_folder = StateFolder::FromEnvironment();
  return state_folder.ok() ? files::LockProbe(PathInStateFolder(*state_folder, folder)).State() : state;
}

}  // namespace deit::job
