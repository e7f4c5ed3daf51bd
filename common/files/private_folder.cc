#include "common/files/private_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "common/files/errno_status.h"

namespace deit::files {
namespace {

constexpr int kFolderOnly = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

Status CheckOwn(const std::string& path, const struct stat& info) {
  if (!S_ISDIR(info.st_mode)) return absl::FailedPreconditionError(absl::StrCat(path, ": is not a folder"));
  if (info.st_uid != ::geteuid()) return absl::FailedPreconditionError(absl::StrCat(path, ": belongs to another user"));
  return absl::OkStatus();
}

// Takes over `folder`, an open descriptor. errno at the first failure, 0 if all is gone.
int RemoveContents(int folder) {
  DIR* entries = ::fdopendir(folder);
  if (entries == nullptr) {
    const int error = errno;
    ::close(folder);
    return error;
  }
  int first_error = 0;
  while (const dirent* entry = ::readdir(entries)) {
    const absl::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (::unlinkat(::dirfd(entries), entry->d_name, 0) == 0 || errno == ENOENT) continue;
    int error = errno;  // EISDIR: a folder
    const int inner = ::openat(::dirfd(entries), entry->d_name, kFolderOnly);
    if (inner >= 0) {
      error = RemoveContents(inner);
      if (error == 0 && ::unlinkat(::dirfd(entries), entry->d_name, AT_REMOVEDIR) != 0) error = errno;
    }
    if (first_error == 0) first_error = error;
  }
  ::closedir(entries);
  return first_error;
}

}  // namespace

Status MakePrivateFolder(const std::string& path) {
  if (::mkdir(path.c_str(), S_IRWXU) == 0) return absl::OkStatus();
  if (errno != EEXIST) return ErrnoStatus("cannot create folder", path, errno);
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return ErrnoStatus("cannot look at", path, errno);
  DEIT_RETURN_IF_ERROR(CheckOwn(path, info));
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(path, ": other users have rights in it"));
}

Status RemovePrivateFolder(const std::string& path) {
  const int folder = ::open(path.c_str(), kFolderOnly);
  if (folder < 0) {
    if (errno == ENOENT) return absl::OkStatus();
    if (errno == ENOTDIR || errno == ELOOP) return absl::FailedPreconditionError(absl::StrCat(path, ": is not a folder"));
    return ErrnoStatus("cannot open folder", path, errno);
  }
  struct stat info {};
  Status own = ::fstat(folder, &info) == 0 ? CheckOwn(path, info) : ErrnoStatus("cannot look at", path, errno);
  if (!own.ok()) {
    ::close(folder);
    return own;
  }
  errno = RemoveContents(folder);
  if (errno != 0 || (::rmdir(path.c_str()) != 0 && errno != ENOENT)) return ErrnoStatus("cannot remove folder", path, errno);
  return absl::OkStatus();
}

}  // namespace deit::files
