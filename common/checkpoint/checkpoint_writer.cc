#include "common/checkpoint/checkpoint_writer.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_join.h"
#include "common/base/digest.h"
#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/files/operations.h"
#include "common/json/sealed_json.h"

namespace deit::checkpoint {
namespace {

using files::JoinPath;

constexpr size_t kMaxPartBytes = size_t{64} << 20;
constexpr absl::Duration kFirstPoll = absl::Milliseconds(1);
constexpr absl::Duration kLongestPoll = absl::Milliseconds(50);

bool IsNonce(absl::string_view nonce) {
  return !nonce.empty() && std::all_of(nonce.begin(), nonce.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

std::string Folder(const Save& save) { return CheckpointPath(save.root, save.step); }

// --- PrepareCheckpoint ---

// Existing content at the checkpoint's path: afterwards nothing usable remains there unless it is a complete, good checkpoint.
StatusOr<Prepared> ClearStep(files::FileSystem& fs, const std::string& root, int64_t step) {
  const std::string folder = CheckpointPath(root, step);
  DEIT_ASSIGN_OR_RETURN(bool complete, files::Exists(fs, JoinPath(folder, kManifestName)));
  if (!complete) {
    DEIT_RETURN_IF_ERROR(files::RemoveTree(fs, folder, root));
    return Prepared::kReady;
  }
  const Status verified = VerifyCheckpoint(fs, folder).status();
  if (verified.ok()) return Prepared::kSavedAlready;
  if (!IsDamaged(verified)) return verified;
  DEIT_ASSIGN_OR_RETURN(std::string aside, Quarantine(fs, root, step, verified.message()));
  LogWarning(absl::StrCat(folder, ": set aside as ", aside, ": ", verified.message()));
  return Prepared::kReady;
}

// --- WriteShard ---

StatusOr<v1::CheckpointPart> WriteFiles(files::FileSystem& fs, const Save& save, absl::Span<const ShardFile> part) {
  v1::CheckpointPart done;
  const std::string folder = Folder(save);
  for (const ShardFile& file : part) {
    const std::string name = TensorFileName(file.kind, save.worker);
    const std::string aside = JoinPath(folder, absl::StrCat(name, ".", save.nonce, ".tmp"));
    const std::map<std::string, std::string> metadata = {{"format", "pt"}, {"kind", Name(file.kind)}, {"step", absl::StrCat(save.step)}};
    DEIT_ASSIGN_OR_RETURN(WrittenFile written, WriteSafetensors(fs, aside, file.tensors, metadata));
    DEIT_RETURN_IF_ERROR(fs.Rename(aside, JoinPath(folder, name)));
    v1::CheckpointFile* entry = done.add_files();
    entry->set_name(name);
    entry->set_bytes(written.bytes);
    entry->set_digest(DigestHex(written.digest));
    entry->set_writer(save.worker);
  }
  DEIT_RETURN_IF_ERROR(fs.SyncFolder(folder));
  return done;
}

std::string Sidecar(const Save& save, v1::CheckpointPart part, absl::Span<const v1::LedgerEntry> ledger) {
  part.set_format_version(json::kFormatVersion);
  part.set_step(save.step);
  part.set_nonce(save.nonce);
  part.set_worker(save.worker);
  part.set_workers(save.workers);
  for (const v1::LedgerEntry& entry : ledger) *part.add_ledger() = entry;
  return json::SealJson(part);
}

// Everything up to the moment when the sidecar shows under its name: from then on worker 0 may commit, and nothing may be removed.
Status WriteUpToSidecar(files::FileSystem& fs, const Save& save, absl::Span<const ShardFile> part,
                        absl::Span<const v1::LedgerEntry> ledger) {
  DEIT_ASSIGN_OR_RETURN(v1::CheckpointPart done, WriteFiles(fs, save, part));
  const std::string path = JoinPath(Folder(save), SidecarName(save.worker, save.nonce));
  const std::string aside = absl::StrCat(path, ".tmp");
  DEIT_RETURN_IF_ERROR(files::WriteAndSync(fs, aside, Sidecar(save, std::move(done), ledger)));
  return fs.Rename(aside, path);
}

// Frees the disk of this worker's files and leaves the marker. Best effort: the deadline covers the rest.
void GiveUp(files::FileSystem& fs, const Save& save, const Status& cause) {
  const std::string folder = Folder(save);
  for (TensorKind kind : kAllKinds) {
    const std::string name = TensorFileName(kind, save.worker);
    fs.Remove(JoinPath(folder, name)).IgnoreError();
    fs.Remove(JoinPath(folder, absl::StrCat(name, ".", save.nonce, ".tmp"))).IgnoreError();
  }
  fs.Remove(JoinPath(folder, absl::StrCat(SidecarName(save.worker, save.nonce), ".tmp"))).IgnoreError();
  auto marker = fs.OpenForWrite(JoinPath(folder, FailedSidecarName(save.worker, save.nonce)));
  if (marker.ok()) (*marker)->Append(cause.message().data(), cause.message().size()).IgnoreError();
}

// --- CommitCheckpoint ---

struct Reports {
  std::vector<int> done, failed, missing;
};

StatusOr<Reports> LookForReports(files::FileSystem& fs, const Save& save) {
  DEIT_ASSIGN_OR_RETURN(std::vector<std::string> names, fs.List(Folder(save)));
  const std::set<std::string> present(names.begin(), names.end());
  Reports reports;
  for (int worker = 0; worker < save.workers; ++worker) {
    const bool done = present.count(SidecarName(worker, save.nonce)) != 0;
    const bool failed = present.count(FailedSidecarName(worker, save.nonce)) != 0;
    (failed ? reports.failed : done ? reports.done : reports.missing).push_back(worker);
  }
  return reports;
}

StatusOr<Reports> WaitForReports(files::FileSystem& fs, Clock& clock, const Save& save, absl::Duration timeout) {
  const absl::Duration deadline = clock.Elapsed() + timeout;
  for (absl::Duration poll = kFirstPoll;; poll = std::min(2 * poll, kLongestPoll)) {
    DEIT_ASSIGN_OR_RETURN(Reports reports, LookForReports(fs, save));
    if (reports.missing.empty()) return reports;
    if (clock.Elapsed() >= deadline) {
      return absl::DeadlineExceededError(absl::StrCat("timed out after ", absl::FormatDuration(timeout), " waiting for ",
                                                      reports.missing.size() == 1 ? "worker " : "workers ",
                                                      absl::StrJoin(reports.missing, ", ")));
    }
    clock.Sleep(poll);
  }
}

Status FailureOf(files::FileSystem& fs, const Save& save, int worker) {
  auto cause = files::ReadWholeFile(fs, JoinPath(Folder(save), FailedSidecarName(worker, save.nonce)), kMaxPartBytes);
  const bool told = cause.ok() && !cause->empty();
  return absl::ResourceExhaustedError(absl::StrCat("worker ", worker, " could not write its shard", told ? ": " : "", told ? *cause : ""));
}

Status AddPart(files::FileSystem& fs, const Save& save, int worker, std::map<int64_t, v1::LedgerEntry>* ledger,
               v1::CheckpointManifest* manifest) {
  const std::string path = JoinPath(Folder(save), SidecarName(worker, save.nonce));
  DEIT_ASSIGN_OR_RETURN(std::string text, files::ReadWholeFile(fs, path, kMaxPartBytes));
  v1::CheckpointPart part;
  DEIT_RETURN_IF_ERROR(Annotate(json::UnsealJson(text, &part), path));
  if (part.step() != save.step || part.nonce() != save.nonce || part.worker() != worker || part.workers() != save.workers) {
    return absl::DataLossError(absl::StrCat(path, ": is of step ", part.step(), ", worker ", part.worker(), " of ", part.workers(),
                                            ", not of step ", save.step, ", worker ", worker, " of ", save.workers));
  }
  for (const v1::CheckpointFile& file : part.files()) {
    const std::string file_path = JoinPath(Folder(save), file.name());
    DEIT_ASSIGN_OR_RETURN(files::FileInfo info, fs.Stat(file_path));
    if (info.bytes != file.bytes()) return absl::DataLossError(absl::StrCat(file_path, ": ", info.bytes, " bytes, not ", file.bytes()));
    *manifest->add_files() = file;
  }
  for (const v1::LedgerEntry& entry : part.ledger()) {
    v1::LedgerEntry& sum = (*ledger)[entry.epoch()];
    sum.set_epoch(entry.epoch());
    sum.set_count(sum.count() + entry.count());
    sum.set_sum(sum.sum() + entry.sum());
  }
  return absl::OkStatus();
}

StatusOr<v1::CheckpointManifest> WriteManifest(files::FileSystem& fs, Clock& clock, const Save& save, v1::CheckpointManifest manifest) {
  manifest.set_format_version(json::kFormatVersion);
  manifest.set_step(save.step);
  manifest.set_nonce(save.nonce);
  manifest.set_workers(save.workers);
  manifest.set_created(absl::ToDoubleSeconds(clock.Now() - absl::UnixEpoch()));
  manifest.clear_ledger();
  manifest.clear_files();
  manifest.clear_digest();
  std::map<int64_t, v1::LedgerEntry> ledger;
  for (int worker = 0; worker < save.workers; ++worker) DEIT_RETURN_IF_ERROR(AddPart(fs, save, worker, &ledger, &manifest));
  for (const auto& [epoch, entry] : ledger) *manifest.add_ledger() = entry;
  std::sort(manifest.mutable_files()->begin(), manifest.mutable_files()->end(),
            [](const v1::CheckpointFile& a, const v1::CheckpointFile& b) { return a.name() < b.name(); });
  const std::string aside = JoinPath(Folder(save), absl::StrCat(kManifestName, ".", save.nonce, ".tmp"));
  DEIT_RETURN_IF_ERROR(files::WriteAndSync(fs, aside, json::SealJson(manifest)));
  DEIT_RETURN_IF_ERROR(files::RenameDurably(fs, aside, JoinPath(Folder(save), kManifestName)));
  return ReadManifest(fs, Folder(save));
}

StatusOr<v1::CheckpointManifest> Commit(files::FileSystem& fs, Clock& clock, const Save& save, v1::CheckpointManifest about,
                                        absl::Duration timeout) {
  DEIT_ASSIGN_OR_RETURN(Reports reports, WaitForReports(fs, clock, save, timeout));
  if (!reports.failed.empty()) {
    const Status failure = FailureOf(fs, save, reports.failed[0]);
    files::RemoveTree(fs, Folder(save), save.root).IgnoreError();  // no writer is left; the space is needed
    return failure;
  }
  DEIT_ASSIGN_OR_RETURN(v1::CheckpointManifest manifest, WriteManifest(fs, clock, save, std::move(about)));
  for (int worker = 0; worker < save.workers; ++worker) {
    fs.Remove(JoinPath(Folder(save), SidecarName(worker, save.nonce))).IgnoreError();  // harmless if it stays
  }
  return manifest;
}

std::string What(const Save& save) { return absl::StrCat("checkpoint of step ", save.step); }

}  // namespace

StatusOr<Prepared> PrepareCheckpoint(files::FileSystem& fs, const std::string& root, int64_t step) {
  DEIT_RETURN_IF_ERROR(files::CreateFolders(fs, root));
  DEIT_ASSIGN_OR_RETURN(Prepared prepared, ClearStep(fs, root, step));
  DEIT_ASSIGN_OR_RETURN(std::vector<std::string> names, fs.List(root));
  for (const std::string& name : names) {
    const std::string folder = JoinPath(root, name);
    if (!ParseCheckpointName(name)) continue;
    DEIT_ASSIGN_OR_RETURN(bool complete, files::Exists(fs, JoinPath(folder, kManifestName)));
    if (!complete) DEIT_RETURN_IF_ERROR(files::RemoveTree(fs, folder, root));
  }
  if (prepared == Prepared::kSavedAlready) return prepared;
  DEIT_RETURN_IF_ERROR(fs.CreateFolder(CheckpointPath(root, step)));
  DEIT_RETURN_IF_ERROR(fs.SyncFolder(root));
  return Prepared::kReady;
}

Status WriteShard(files::FileSystem& fs, const Save& save, absl::Span<const ShardFile> part, absl::Span<const v1::LedgerEntry> ledger) {
  DEIT_CHECK(IsNonce(save.nonce), save.nonce);
  DEIT_CHECK(save.worker >= 0 && save.worker < save.workers, save.worker, " of ", save.workers);
  Status status = WriteUpToSidecar(fs, save, part, ledger);
  if (!status.ok()) GiveUp(fs, save, status);
  if (status.ok()) status = fs.SyncFolder(Folder(save));
  return WithExitCode(Annotate(status, What(save)), ExitCode::kNotSaved);
}

StatusOr<v1::CheckpointManifest> CommitCheckpoint(files::FileSystem& fs, Clock& clock, const Save& save, v1::CheckpointManifest about,
                                                  absl::Duration timeout) {
  auto manifest = Commit(fs, clock, save, std::move(about), timeout);
  if (manifest.ok()) return manifest;
  return WithExitCode(Annotate(manifest.status(), What(save)), ExitCode::kNotSaved);
}

Status RecordAccuracy(files::FileSystem& fs, const std::string& root, int64_t step, double val_acc1, std::optional<double> val_acc1_ema) {
  const std::string checkpoint = CheckpointPath(root, step);
  DEIT_ASSIGN_OR_RETURN(v1::CheckpointManifest manifest, ReadManifest(fs, checkpoint));
  manifest.set_val_acc1(val_acc1);
  if (val_acc1_ema) manifest.set_val_acc1_ema(*val_acc1_ema);
  manifest.clear_digest();
  return files::WriteFileAtomically(fs, JoinPath(checkpoint, kManifestName), json::SealJson(manifest));
}

}  // namespace deit::checkpoint
