#include "worker/train/attempt.h"

#include <algorithm>
#include <random>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/checkpoint/set_reader.h"
#include "common/files/operations.h"
#include "common/spec/load.h"
#include "common/spec/spec_digest.h"
#include "worker/exchange/agreement.h"

namespace deit::train {
namespace {

// What differs between the job that was here and this one, RESULT fields only.
std::string FieldDiff(const run::RunFolder& folder, const v1::JobSpec& spec) {
  const auto before = spec::LoadSpec(folder.Config(), {});
  if (!before.ok()) return "";
  std::vector<std::string> lines;
  for (const auto& difference : spec::DiffSpecs(*before, spec)) {
    if (difference.effect == v1::RESULT) lines.push_back(spec::ToString(difference));
  }
  return absl::StrJoin(lines, "\n");
}

// Sets of another beginning must neither be resumed from nor stand where new ones go. Nothing is deleted.
Status PutCheckpointsAside(const Attempt& attempt) {
  auto& fs = files::FileSystem::Posix();
  const std::string here = attempt.folder.Checkpoints();
  DEIT_ASSIGN_OR_RETURN(const std::vector<std::string> sets, fs.List(here));
  if (sets.empty()) return absl::OkStatus();
  const std::string aside = absl::StrCat(here, "_before_attempt_", attempt.number);
  DEIT_RETURN_IF_ERROR(files::RenameDurably(fs, here, aside));
  LogInfo(absl::StrCat("begins anew: the checkpoints that were here are now in ", aside));
  return files::CreateFolders(fs, here);
}

// Whether a checkpoint was ever saved here. A folder without one holds nothing that another job could spoil.
StatusOr<bool> HoldsResults(const run::RunFolder& folder) {
  DEIT_ASSIGN_OR_RETURN(const auto sets, checkpoint::ListSets(files::FileSystem::Posix(), folder.Checkpoints()));
  return std::any_of(sets.begin(), sets.end(), [](const auto& set) { return set.state != checkpoint::SetState::kIncomplete; });
}

Status OpenFolder(const v1::JobSpec& spec, const std::string& spec_digest, const AttemptOptions& options, Attempt* attempt) {
  auto& fs = files::FileSystem::Posix();
  DEIT_RETURN_IF_ERROR(run::MakeRunFolder(fs, attempt->folder));
  DEIT_ASSIGN_OR_RETURN(attempt->lock, run::LockRunFolder(attempt->folder));
  DEIT_ASSIGN_OR_RETURN(const bool holds_results, HoldsResults(attempt->folder));
  DEIT_ASSIGN_OR_RETURN(attempt->identity,
                        run::ClaimIdentity(fs, attempt->folder, {spec_digest, options.allow_config_change || !holds_results},
                                           [&] { return FieldDiff(attempt->folder, spec); }));
  attempt->job_id = attempt->identity.job;
  DEIT_ASSIGN_OR_RETURN(attempt->number, run::StartAttempt(fs, attempt->folder));
  if (options.begin_anew) DEIT_RETURN_IF_ERROR(WithExitCode(PutCheckpointsAside(*attempt), ExitCode::kRunFolder));
  return WithExitCode(files::WriteFileAtomically(fs, attempt->folder.Config(), spec::SpecText(spec)), ExitCode::kRunFolder);
}

}  // namespace

StatusOr<Attempt> OpenAttempt(collective::Communicator& world, collective::Deadline deadline, const v1::JobSpec& spec,
                              const std::string& spec_digest, const AttemptOptions& options) {
  Attempt attempt{run::RunFolder(spec.run_dir()), 1, "", "", {}, std::nullopt};
  const bool first = world.rank() == 0;
  DEIT_RETURN_IF_ERROR(exchange::Agree(world, deadline, first ? OpenFolder(spec, spec_digest, options, &attempt) : absl::OkStatus(),
                                       "opening the run folder"));
  // A nonce only has to differ between attempts; no result depends on it.
  std::random_device entropy;
  const uint64_t drawn = static_cast<uint64_t>(entropy()) << 32 | entropy();
  DEIT_ASSIGN_OR_RETURN(const auto nonces, exchange::ShareNumbers(world, deadline, drawn, "naming the attempt"));
  DEIT_ASSIGN_OR_RETURN(const auto numbers,
                        exchange::ShareNumbers(world, deadline, static_cast<uint64_t>(attempt.number), "naming the attempt"));
  const uint64_t id = first ? std::stoull(attempt.job_id, nullptr, 16) : 0;
  DEIT_ASSIGN_OR_RETURN(const auto ids, exchange::ShareNumbers(world, deadline, id, "naming the attempt"));
  attempt.number = static_cast<int>(numbers[0]);
  attempt.nonce = absl::StrFormat("%d-%016x", attempt.number, nonces[0]);
  attempt.job_id = absl::StrFormat("%08x", ids[0]);
  DEIT_RETURN_IF_ERROR(exchange::Agree(world, deadline,
                                       run::MakeWorkerFolder(files::FileSystem::Posix(), attempt.folder, attempt.number, world.rank()),
                                       "making log folders"));
  return attempt;
}

}  // namespace deit::train
