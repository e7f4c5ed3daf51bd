#include "common/checkpoint/checkpoint_reader.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "common/base/digest.h"
#include "common/base/exit_code.h"
#include "common/checkpoint/checkpoint_layout.h"
#include "common/checkpoint/safetensors.h"
#include "common/files/operations.h"
#include "common/json/sealed_json.h"

namespace deit::checkpoint {
namespace {

using files::JoinPath;

constexpr size_t kMaxManifestBytes = size_t{64} << 20;
constexpr absl::string_view kAsidePrefix = "bad_";

// A sealed manifest comes from us; what it says is checked all the same before anything is opened by it.
Status CheckManifest(const v1::CheckpointManifest& manifest, const std::string& checkpoint_folder) {
  const std::optional<int64_t> step = ParseCheckpointName(files::NameOf(checkpoint_folder));
  if (step && *step != manifest.step())
    return absl::DataLossError(absl::StrCat("is of step ", manifest.step(), ": moved from another checkpoint"));
  absl::flat_hash_set<std::string> names;
  for (const v1::CheckpointFile& file : manifest.files()) {
    uint64_t digest = 0;
    const bool plain = !absl::StrContains(file.name(), '/') && ParseTensorFileName(file.name());
    if (!plain || !ParseDigestHex(file.digest(), &digest))
      return absl::DataLossError(absl::StrCat("lists a file it cannot have: '", file.name(), "'"));
    if (!names.insert(file.name()).second) return absl::DataLossError(absl::StrCat("lists ", file.name(), " twice"));
  }
  return absl::OkStatus();
}

Status CheckSize(files::FileSystem& fs, const std::string& checkpoint_folder, const v1::CheckpointFile& file) {
  const std::string path = JoinPath(checkpoint_folder, file.name());
  DEIT_ASSIGN_OR_RETURN(files::FileInfo info, fs.Stat(path));
  if (info.bytes == file.bytes()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(path, ": ", info.bytes, " bytes, not the ", file.bytes(), " of the manifest"));
}

CheckpointState StateOf(const Status& fault) {
  return fault.ok() ? CheckpointState::kComplete : IsDamaged(fault) ? CheckpointState::kDamaged : CheckpointState::kUnreadable;
}

uint64_t BytesIn(files::FileSystem& fs, const std::string& folder) {
  uint64_t bytes = 0;
  auto names = fs.List(folder);
  if (!names.ok()) return 0;
  for (const std::string& name : *names) {
    auto info = fs.Stat(JoinPath(folder, name));
    if (info.ok() && !info->is_folder) bytes += info->bytes;
  }
  return bytes;
}

Status LookAt(files::FileSystem& fs, CheckpointEntry* entry) {
  DEIT_ASSIGN_OR_RETURN(entry->manifest, ReadManifest(fs, entry->path));
  for (const v1::CheckpointFile& file : entry->manifest->files()) DEIT_RETURN_IF_ERROR(CheckSize(fs, entry->path, file));
  return absl::OkStatus();
}

}  // namespace

bool IsDamaged(const Status& status) { return absl::IsDataLoss(status) || absl::IsNotFound(status); }

StatusOr<v1::CheckpointManifest> ReadManifest(files::FileSystem& fs, const std::string& checkpoint_folder) {
  const std::string path = JoinPath(checkpoint_folder, kManifestName);
  auto text = files::ReadWholeFile(fs, path, kMaxManifestBytes);
  if (absl::IsResourceExhausted(text.status())) return absl::DataLossError(text.status().message());
  if (!text.ok()) return text.status();
  v1::CheckpointManifest manifest;
  DEIT_RETURN_IF_ERROR(Annotate(json::UnsealJson(*text, &manifest), path));
  DEIT_RETURN_IF_ERROR(Annotate(CheckManifest(manifest, checkpoint_folder), path));
  return manifest;
}

StatusOr<std::vector<CheckpointEntry>> ListCheckpoints(files::FileSystem& fs, const std::string& root) {
  std::vector<CheckpointEntry> checkpoints;
  auto names = fs.List(root);
  if (absl::IsNotFound(names.status())) return checkpoints;
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    const std::optional<int64_t> step = ParseCheckpointName(name);
    if (!step) continue;
    CheckpointEntry entry;
    entry.step = *step;
    entry.path = JoinPath(root, name);
    entry.bytes = BytesIn(fs, entry.path);
    auto has_manifest = files::Exists(fs, JoinPath(entry.path, kManifestName));
    if (has_manifest.ok() && !*has_manifest) {
      entry.reason = "no manifest: being written, or left by an attempt that ended";
    } else {
      const Status fault = has_manifest.ok() ? LookAt(fs, &entry) : has_manifest.status();
      entry.state = StateOf(fault);
      entry.reason = std::string(fault.message());
      if (!fault.ok()) entry.manifest.reset();
    }
    checkpoints.push_back(std::move(entry));
  }
  std::sort(checkpoints.begin(), checkpoints.end(), [](const CheckpointEntry& a, const CheckpointEntry& b) { return a.step < b.step; });
  return checkpoints;
}

StatusOr<bool> WasSaved(files::FileSystem& fs, const std::string& root) {
  DEIT_ASSIGN_OR_RETURN(const auto entries, ListCheckpoints(fs, root));
  return std::any_of(entries.begin(), entries.end(), [](const auto& entry) { return entry.state != CheckpointState::kIncomplete; });
}

StatusOr<std::vector<std::string>> ListQuarantined(files::FileSystem& fs, const std::string& root) {
  auto names = fs.List(root);
  if (absl::IsNotFound(names.status())) return std::vector<std::string>{};
  if (!names.ok()) return names.status();
  const std::string prefix = absl::StrCat(kAsidePrefix, "step_");
  names->erase(std::remove_if(names->begin(), names->end(), [&](const std::string& name) { return !absl::StartsWith(name, prefix); }),
               names->end());
  return names;
}

Status VerifyFile(files::FileSystem& fs, const std::string& checkpoint_folder, const v1::CheckpointFile& file) {
  const std::string path = JoinPath(checkpoint_folder, file.name());
  DEIT_RETURN_IF_ERROR(CheckSize(fs, checkpoint_folder, file));
  DEIT_ASSIGN_OR_RETURN(auto open, fs.OpenForRead(path));
  DEIT_ASSIGN_OR_RETURN(uint64_t digest, files::DigestOf(*open));
  if (DigestHex(digest) != file.digest()) {
    return absl::DataLossError(absl::StrCat(path, ": digest is ", DigestHex(digest), ", not the ", file.digest(),
                                            " of the manifest: damaged, or of another checkpoint"));
  }
  return SafetensorsFile::Open(fs, path).status();
}

std::vector<Status> FindFaults(files::FileSystem& fs, const std::string& checkpoint_folder) {
  auto manifest = ReadManifest(fs, checkpoint_folder);
  if (!manifest.ok()) return {manifest.status()};
  std::vector<Status> faults;
  for (const v1::CheckpointFile& file : manifest->files()) {
    Status status = VerifyFile(fs, checkpoint_folder, file);
    if (!status.ok()) faults.push_back(std::move(status));
  }
  return faults;
}

StatusOr<v1::CheckpointManifest> VerifyCheckpoint(files::FileSystem& fs, const std::string& checkpoint_folder) {
  DEIT_ASSIGN_OR_RETURN(v1::CheckpointManifest manifest, ReadManifest(fs, checkpoint_folder));
  for (const v1::CheckpointFile& file : manifest.files()) DEIT_RETURN_IF_ERROR(VerifyFile(fs, checkpoint_folder, file));
  return manifest;
}

StatusOr<std::string> Quarantine(files::FileSystem& fs, const std::string& root, int64_t step, absl::string_view reason) {
  const std::string path = JoinPath(root, absl::StrCat(kAsidePrefix, CheckpointName(step)));
  std::string free = path;
  for (int n = 2;; ++n) {
    DEIT_ASSIGN_OR_RETURN(bool taken, files::Exists(fs, free));
    if (!taken) break;
    free = absl::StrCat(path, ".", n);
  }
  // The reason is written into the checkpoint's own folder, so that it moves with it; a full disk must not keep a bad checkpoint in place.
  files::WriteFileAtomically(fs, JoinPath(CheckpointPath(root, step), "reason.txt"), absl::StrCat(reason, "\n")).IgnoreError();
  DEIT_RETURN_IF_ERROR(files::RenameDurably(fs, CheckpointPath(root, step), free));
  return free;
}

Status RemoveCheckpoint(files::FileSystem& fs, const std::string& root, int64_t step) {
  const std::string folder = CheckpointPath(root, step);
  Status removed = fs.Remove(JoinPath(folder, kManifestName));
  if (removed.ok()) DEIT_RETURN_IF_ERROR(fs.SyncFolder(folder));
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  DEIT_RETURN_IF_ERROR(files::RemoveTree(fs, folder, root));
  return fs.SyncFolder(root);
}

StatusOr<Location> Locate(files::FileSystem& fs, const std::string& dir) {
  DEIT_ASSIGN_OR_RETURN(files::FileInfo info, fs.Stat(dir));
  if (!info.is_folder) return absl::NotFoundError(absl::StrCat(dir, ": is not a folder"));
  if (const std::optional<int64_t> step = ParseCheckpointName(files::NameOf(dir)))
    return Location{.root = files::ParentOf(dir), .step = step};
  const std::string checkpoints = JoinPath(dir, "checkpoints");
  DEIT_ASSIGN_OR_RETURN(bool is_run_folder, files::Exists(fs, checkpoints));
  return Location{.root = is_run_folder ? checkpoints : dir, .step = std::nullopt};
}

}  // namespace deit::checkpoint
