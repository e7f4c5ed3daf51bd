#include "common/job/folder_claim.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/exit_code.h"
#include "common/base/numbers.h"
#include "common/job/job_record.h"
#include "common/job/observation.h"
#include "common/process/identity.h"
#include "common/run/run_identity.h"

namespace deit::job {
namespace {

using files::LockState;
using process::Life;

constexpr char kTakeOverHint[] = "take it over with deit-coord run, or stop it with deit-coord cancel";

Status Refused(const run::RunFolder& folder, const std::string& cause, const std::string& hint) {
  const Status status = absl::FailedPreconditionError(absl::StrCat("run_dir: ", folder.path(), ": ", cause));
  return WithHint(WithExitCode(status, ExitCode::kRunFolder), hint);
}

std::string Ago(double seconds) { return DurationText(absl::Seconds(std::max(0.0, seconds))); }

// An owner that the lock says nothing of.
Status CheckOwner(const run::RunFolder& folder, const FolderLook& look, double now) {
  const v1::JobRecord& record = look.record;
  if (!look.recorded || look.ended || look.evidence.owner == Life::kDead) return absl::OkStatus();
  const std::string owner = process::Describe(record.owner());
  if (look.evidence.owner == Life::kAlive) {
    return Refused(folder, absl::StrCat("in use by ", owner, ", although its lock file is free: was ", folder.Lock(), " removed?"),
                   "stop that run (deit-coord cancel), or choose another run_dir");
  }
  const double silent = now - std::max(record.updated(), look.evidence.trained.value_or(0));
  if (silent > kSilenceSeconds) return absl::OkStatus();
  return Refused(folder, absl::StrCat("in use by ", owner, ", which cannot be seen from here and was heard ", Ago(silent), " ago"),
                 absl::StrCat("stop that run there; it counts as gone ", Ago(kSilenceSeconds), " after its last word"));
}

std::string Keeper(const FolderLook& look) {
  return look.record.has_guardian() ? absl::StrCat(" (", process::Describe(look.record.guardian()), ")") : "";
}

// OK: the claimant may go on with the living attempt.
Status CheckTakeOver(const run::RunFolder& folder, const FolderLook& look, const FolderClaim& claim) {
  const std::string attempt = absl::StrCat("attempt ", look.attempt);
  if (!claim.take_over) {
    return Refused(folder, absl::StrCat(attempt, " is still training", Keeper(look), ", and its deit-coord is gone"), kTakeOverHint);
  }
  const std::string cancel = absl::StrCat("stop it first: deit-coord cancel ", folder.path());
  if (claim.fresh_start) return Refused(folder, absl::StrCat("--resume=never: ", attempt, " is still training", Keeper(look)), cancel);
  if (!look.spec_digest.empty() && look.spec_digest != claim.spec_digest) {
    return Refused(folder,
                   absl::StrCat(attempt, " of another job is still training", Keeper(look), ": its spec digest is ", look.spec_digest,
                                ", this job's is ", claim.spec_digest),
                   absl::StrCat(cancel, ", or choose another run_dir"));
  }
  switch (look.evidence.guardian) {
    case Life::kAlive: return absl::OkStatus();
    case Life::kHidden:
      return Refused(folder,
                     absl::StrCat(attempt, " is still training", Keeper(look), " where it cannot be seen from here: in another container?"),
                     "run deit-coord there: run takes it over, cancel stops it");
    case Life::kUnknown:
      return Refused(folder, absl::StrCat(attempt, " is still training on ", look.record.guardian().host(), ", or was until a moment ago"),
                     absl::StrCat("run deit-coord there; it counts as gone ", Ago(kSilenceSeconds), " after its last word"));
    case Life::kDead: break;
  }
  return Refused(folder, absl::StrCat("processes of ", attempt, " are still training, without a guardian"),
                 "wait until they have ended, or end them");
}

bool Lives(const FolderLook& look, double now) {
  if (look.attempt == 0) return false;
  // A recorded end is believed, but for the kernel's word. Files that came with a copy say nothing about this folder; its own lock does.
  const bool over = look.ended || look.evidence.exit || look.evidence.result || look.spec_digest.empty();
  return over ? look.evidence.attempt_lock == LockState::kHeld : AttemptLives(look.record, look.evidence, now);
}

}  // namespace

FolderLook LookAtFolder(files::FileSystem& fs, const run::RunFolder& folder) {
  FolderLook look;
  look.attempt = run::LastAttempt(fs, folder).value_or(0);
  const auto identity = run::ReadIdentity(fs, folder);
  if (identity.ok()) look.spec_digest = identity->spec_digest();
  const auto state = StateFolder::FromEnvironment();
  v1::JobRecord record;
  if (identity.ok() && state.ok()) {
    auto found = ReadJobRecord(fs, *state, identity->job());
    look.recorded = found.ok();
    if (found.ok()) record = *std::move(found);
  }
  if (identity.ok()) record.set_job(identity->job());
  record.set_run_dir(folder.path());
  look.ended = record.has_ended();
  record.clear_ended();  // the attempt is looked at all the same
  Observation seen = Observe(fs, state.ok() ? *state : StateFolder(""), record);
  look.evidence = seen.evidence;
  const v1::ProcessIdentity self = process::Self(), &owner = seen.record.owner();
  if (owner.pid() == self.pid() && owner.start_time() == self.start_time() && look.evidence.owner == Life::kAlive) {
    look.evidence.owner = Life::kDead;  // an earlier owner in this process: its lock tells
  }
  look.record = std::move(seen.record);
  return look;
}

bool IsEnding(const FolderLook& look) {
  return look.attempt > 0 && look.evidence.attempt_lock == LockState::kHeld && look.evidence.guardian == Life::kDead;
}

StatusOr<ClaimDecision> DecideClaim(const run::RunFolder& folder, const FolderLook& look, const FolderClaim& claim, double now) {
  DEIT_RETURN_IF_ERROR(CheckOwner(folder, look, now));
  ClaimDecision decision;
  decision.attempt_lives = Lives(look, now);
  if (decision.attempt_lives) DEIT_RETURN_IF_ERROR(CheckTakeOver(folder, look, claim));
  const bool same_job = look.spec_digest == claim.spec_digest && !claim.fresh_start;
  const bool unseen_end = look.recorded && !look.ended && look.record.has_guardian() && process::OnThisMachine(look.record.guardian());
  if (decision.attempt_lives || (claim.take_over && same_job && unseen_end)) decision.inherited = look.record;
  return decision;
}

}  // namespace deit::job
