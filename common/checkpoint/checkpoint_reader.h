// Lists, verifies and quarantines checkpoints. tensor_catalog.h reads their tensors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/files/file_system.h"
#include "proto/manifest.pb.h"

namespace deit::checkpoint {

enum class CheckpointState {
  kComplete,    // a sound manifest, and every file exists with its size; contents are not read (VerifyCheckpoint)
  kIncomplete,  // no manifest: being written, or left by a dead attempt
  kDamaged,     // a manifest that lies, or files missing or of another size
  kUnreadable,  // of a newer version, or this user may not read it: leave it alone
};

struct CheckpointEntry {
  int64_t step = 0;
  std::string path;
  CheckpointState state = CheckpointState::kIncomplete;
  std::string reason;                              // empty when complete
  uint64_t bytes = 0;                              // of all files in its folder
  std::optional<v1::CheckpointManifest> manifest;  // when complete
};

// All step_* folders, oldest step first. A root that does not exist has no checkpoints.
StatusOr<std::vector<CheckpointEntry>> ListCheckpoints(files::FileSystem& fs, const std::string& root);

// Whether a checkpoint was ever saved there, sound or not. A job without one has nothing that could be spoilt, or gone on with.
StatusOr<bool> WasSaved(files::FileSystem& fs, const std::string& root);

// Names of the folders that Quarantine made, sorted.
StatusOr<std::vector<std::string>> ListQuarantined(files::FileSystem& fs, const std::string& root);

// Checks the manifest's own digest and what it says (DataLoss), and its version (Unimplemented, with a hint). No manifest: NotFound.
StatusOr<v1::CheckpointManifest> ReadManifest(files::FileSystem& fs, const std::string& checkpoint_folder);

// One file of a manifest: present, its size, its digest, and a header that can be read. DataLoss otherwise.
Status VerifyFile(files::FileSystem& fs, const std::string& checkpoint_folder, const v1::CheckpointFile& file);

// Everything that is wrong with a checkpoint; empty: it is good. Reads every byte once.
std::vector<Status> FindFaults(files::FileSystem& fs, const std::string& checkpoint_folder);

// The manifest of a checkpoint of which every file verifies, else its first fault.
StatusOr<v1::CheckpointManifest> VerifyCheckpoint(files::FileSystem& fs, const std::string& checkpoint_folder);

// Whether a failure of the functions above says that the checkpoint itself is bad (DataLoss, NotFound), and not that it cannot be judged
// here and now (no permission, a newer version, a disk that fails).
bool IsDamaged(const Status& status);

// Takes a bad checkpoint out of the way: renames its folder to bad_step_... (durable), with reason.txt. Returns the new path.
StatusOr<std::string> Quarantine(files::FileSystem& fs, const std::string& root, int64_t step, absl::string_view reason);

// Removes a checkpoint so that no crash leaves half of it looking complete: the manifest goes first. A checkpoint that is not there is fine.
Status RemoveCheckpoint(files::FileSystem& fs, const std::string& root, int64_t step);

// What a user may name: a run folder, its checkpoints folder, or one checkpoint. `step` is given in the last case.
struct Location {
  std::string root;  // the checkpoints folder
  std::optional<int64_t> step;
};
StatusOr<Location> Locate(files::FileSystem& fs, const std::string& dir);

}  // namespace deit::checkpoint
