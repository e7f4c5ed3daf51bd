#include "common/files/operations.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "common/base/digest.h"

namespace deit::files {
namespace {

absl::string_view WithoutTrailingSlashes(absl::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

Status RemoveAnything(FileSystem& fs, const std::string& path) {
  auto info = fs.Stat(path);
  if (absl::IsNotFound(info.status())) return absl::OkStatus();
  if (!info.ok()) return info.status();
  if (info->is_folder && !info->is_link) {
    DEIT_ASSIGN_OR_RETURN(std::vector<std::string> names, fs.List(path));
    for (const std::string& name : names) DEIT_RETURN_IF_ERROR(RemoveAnything(fs, JoinPath(path, name)));
  }
  Status removed = fs.Remove(path);
  return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
}

}  // namespace

std::string JoinPath(absl::string_view folder, absl::string_view name) {
  if (folder.empty()) return std::string(name);
  return absl::EndsWith(folder, "/") ? absl::StrCat(folder, name) : absl::StrCat(folder, "/", name);
}

std::string ParentOf(absl::string_view path) {
  path = WithoutTrailingSlashes(path);
  size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(WithoutTrailingSlashes(path.substr(0, slash)));
}

std::string NameOf(absl::string_view path) {
  path = WithoutTrailingSlashes(path);
  size_t slash = path.rfind('/');
  return std::string(slash == absl::string_view::npos || path.size() == 1 ? path : path.substr(slash + 1));
}

StatusOr<bool> Exists(FileSystem& fs, const std::string& path) {
  auto info = fs.Stat(path);
  if (info.ok()) return true;
  if (absl::IsNotFound(info.status())) return false;
  return info.status();
}

StatusOr<std::string> ReadWholeFile(FileSystem& fs, const std::string& path, size_t max_bytes) {
  DEIT_ASSIGN_OR_RETURN(auto file, fs.OpenForRead(path));
  if (file->Size() > max_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": ", file->Size(), " bytes: more than the ", max_bytes, " expected here"));
  }
  std::string bytes(static_cast<size_t>(file->Size()), '\0');
  DEIT_RETURN_IF_ERROR(file->ReadAt(0, bytes.data(), bytes.size()));
  return bytes;
}

StatusOr<uint64_t> DigestOf(const RandomAccessFile& file) {
  constexpr uint64_t kPieceBytes = uint64_t{1} << 20;
  std::vector<char> piece(static_cast<size_t>(std::min(kPieceBytes, file.Size())));
  DigestStream digest;
  for (uint64_t offset = 0; offset < file.Size(); offset += piece.size()) {
    const size_t bytes = static_cast<size_t>(std::min<uint64_t>(piece.size(), file.Size() - offset));
    DEIT_RETURN_IF_ERROR(file.ReadAt(offset, piece.data(), bytes));
    digest.Update(piece.data(), bytes);
  }
  return digest.Value();
}

Status WriteAndSync(FileSystem& fs, const std::string& path, absl::string_view bytes) {
  DEIT_ASSIGN_OR_RETURN(auto file, fs.OpenForWrite(path));
  DEIT_RETURN_IF_ERROR(file->Append(bytes.data(), bytes.size()));
  DEIT_RETURN_IF_ERROR(file->Sync());
  return file->Close();
}

Status RenameDurably(FileSystem& fs, const std::string& from, const std::string& to) {
  DEIT_RETURN_IF_ERROR(fs.Rename(from, to));
  return fs.SyncFolder(ParentOf(to));
}

Status WriteFileAtomically(FileSystem& fs, const std::string& path, absl::string_view bytes) {
  const std::string aside = absl::StrCat(path, ".tmp");
  Status status = WriteAndSync(fs, aside, bytes);
  if (status.ok()) return RenameDurably(fs, aside, path);
  fs.Remove(aside).IgnoreError();
  return status;
}

Status CreateFolders(FileSystem& fs, const std::string& path) {
  auto info = fs.Stat(path);
  if (info.ok()) {
    if (info->is_folder) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(path, ": is not a folder"));
  }
  if (!absl::IsNotFound(info.status())) return info.status();
  const std::string parent = ParentOf(path);
  if (parent != path) DEIT_RETURN_IF_ERROR(CreateFolders(fs, parent));
  DEIT_RETURN_IF_ERROR(fs.CreateFolder(path));
  const Status synced = fs.SyncFolder(parent);
  return absl::IsPermissionDenied(synced) ? absl::OkStatus() : synced;  // one that may be written but not read: a shared /tmp of mode 1733
}

Status RemoveTree(FileSystem& fs, const std::string& path, const std::string& inside) {
  const std::string prefix = JoinPath(inside, "");
  bool bounded = !inside.empty() && absl::StartsWith(path, prefix) && path.size() > prefix.size();
  if (bounded) {
    for (absl::string_view name : absl::StrSplit(path.substr(prefix.size()), '/')) {
      bounded = bounded && !name.empty() && name != "." && name != "..";
    }
  }
  if (!bounded) return absl::InvalidArgumentError(absl::StrCat(path, ": not removed: not a name inside ", inside));
  return RemoveAnything(fs, path);
}

}  // namespace deit::files
