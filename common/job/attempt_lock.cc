#include "common/job/attempt_lock.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/clock.h"
#include "common/base/exit_code.h"
#include "common/files/operations.h"
#include "common/job/state_folder.h"
#include "common/process/identity.h"

namespace deit::job {
namespace {

constexpr absl::Duration kLockPoll = absl::Milliseconds(10);

// What a holder writes: its machine, for Here(), and its name, for people.
std::string HolderLine() { return absl::StrCat(process::BootId(), " ", process::Describe(process::Self())); }

Status Refused(const Status& status, const run::RunFolder& folder, absl::string_view hint) {
  return WithHint(WithExitCode(Annotate(status, absl::StrCat("run_dir: ", folder.path())), ExitCode::kRunFolder), hint);
}

files::LockProbe Probe(const run::RunFolder& folder, const std::string& job, int attempt) {
  files::LockProbe probe(folder.Alive(attempt));
  if (probe.State() != files::LockState::kUnknown) return probe;
  const auto state = StateFolder::FromEnvironment();
  return state.ok() ? files::LockProbe(state->AttemptLock(job)) : std::move(probe);
}

}  // namespace

StatusOr<AttemptLock> AttemptLock::Hold(const run::RunFolder& folder, const std::string& job, int attempt) {
  auto lock = files::FileLock::AcquireShared(folder.Alive(attempt), HolderLine());
  if (absl::IsUnimplemented(lock.status())) {
    const auto state = StateFolder::FromEnvironment();
    if (state.ok() && MakeStateFolder(*state).ok()) lock = files::FileLock::AcquireShared(state->AttemptLock(job), HolderLine());
  }
  if (!lock.ok()) return Refused(lock.status(), folder, "is its file system full, read-only or without locks?");
  AttemptLock held(folder, attempt, *std::move(lock));
  DEIT_RETURN_IF_ERROR(held.CheckCurrent());
  return held;
}

StatusOr<AttemptLock> AttemptLock::Adopt(const run::RunFolder& folder, int attempt, int descriptor) {
  DEIT_ASSIGN_OR_RETURN(files::FileLock lock, files::FileLock::Adopt(folder.Alive(attempt), descriptor));
  return AttemptLock(folder, attempt, std::move(lock));
}

Status AttemptLock::CheckCurrent() const {
  constexpr char kMoved[] = "was it moved or removed while its job runs? run the job again where it is";
  const auto newest = run::LastAttempt(files::FileSystem::Posix(), folder_);
  if (!newest.ok()) return newest.status();
  if (*newest == 0) return Refused(absl::FailedPreconditionError("is not there any more"), folder_, kMoved);
  if (*newest != attempt_) {
    const Status over = absl::FailedPreconditionError(absl::StrCat("attempt ", attempt_, " is over: attempt ", *newest, " has begun"));
    return Refused(over, folder_, "one launch at a time trains in a run folder");
  }
  const Status in_place = lock_.CheckInPlace();
  return in_place.ok() ? in_place : Refused(absl::FailedPreconditionError(in_place.message()), folder_, kMoved);
}

AttemptLockProbe::AttemptLockProbe(const run::RunFolder& folder, const std::string& job, int attempt)
    : probe_(Probe(folder, job, attempt)) {}

files::LockState AttemptLockProbe::State() const { return probe_.State(); }

bool AttemptLockProbe::Here() const {
  const std::string text = probe_.Text(), here = process::BootId() + " ";
  if (text.empty() || here.size() == 1) return false;
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  return std::all_of(lines.begin(), lines.end(), [&](const std::string& line) { return absl::StartsWith(line, here); });
}

bool AttemptLockProbe::IsMember(const v1::ProcessIdentity& identity) const {
  const auto pid = static_cast<pid_t>(identity.pid());
  // The second look: the number was not given to another process meanwhile.
  return process::LifeOf(identity) == process::Life::kAlive && probe_.IsOpenIn(pid) && process::LifeOf(identity) == process::Life::kAlive;
}

std::vector<v1::ProcessIdentity> AttemptLockProbe::Members() const {
  std::vector<v1::ProcessIdentity> members;
  for (const pid_t pid : probe_.Holders()) {
    auto identity = process::IdentityOf(pid);
    if (identity.ok() && IsMember(*identity)) members.push_back(*std::move(identity));
  }
  return members;
}

StatusOr<std::optional<files::FileLock>> LockEndedAttempt(const run::RunFolder& folder, const std::string& job, int attempt,
                                                          absl::Duration limit) {
  const absl::Duration end = Clock::System().Elapsed() + limit;
  std::string path = folder.Alive(attempt);
  for (;;) {
    DEIT_ASSIGN_OR_RETURN(const bool there, files::Exists(files::FileSystem::Posix(), path));
    if (!there) return std::nullopt;
    auto lock = files::FileLock::Acquire(path, HolderLine());
    if (lock.ok()) return std::optional<files::FileLock>(*std::move(lock));
    if (absl::IsUnimplemented(lock.status()) && path == folder.Alive(attempt)) {
      DEIT_ASSIGN_OR_RETURN(const StateFolder state, StateFolder::FromEnvironment());
      path = state.AttemptLock(job);
      continue;
    }
    if (!absl::IsFailedPrecondition(lock.status())) return lock.status();
    if (Clock::System().Elapsed() >= end) {
      const Status lives = absl::FailedPreconditionError(absl::StrCat("processes of attempt ", attempt, " still live"));
      return Refused(lives, folder, "end them, or wait until they have ended");
    }
    Clock::System().Sleep(kLockPoll);
  }
}

}  // namespace deit::job
