#include "common/job/state_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "common/files/absolute_path.h"
#include "common/files/errno_status.h"
#include "common/files/operations.h"

namespace deit::job {
namespace {

constexpr char kFolderHint[] = "set DEIT_STATE_DIR to a folder of your own";

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Modes have no seam: rights exist on a real file system only.
Status MakePrivateFolder(const std::string& path) {
  if (::mkdir(path.c_str(), S_IRWXU) == 0 || errno == EEXIST) return absl::OkStatus();
  if (errno != ENOENT) return files::ErrnoStatus("cannot create folder", path, errno);
  DEIT_RETURN_IF_ERROR(MakePrivateFolder(files::ParentOf(path)));
  if (::mkdir(path.c_str(), S_IRWXU) == 0 || errno == EEXIST) return absl::OkStatus();
  return files::ErrnoStatus("cannot create folder", path, errno);
}

Status TakeRightsOfOthers(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return files::ErrnoStatus("cannot look at", path, errno);
  if (!S_ISDIR(info.st_mode)) return absl::FailedPreconditionError(absl::StrCat(path, ": is not a folder"));
  if (info.st_uid != ::geteuid()) return absl::FailedPreconditionError(absl::StrCat(path, ": belongs to another user"));
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) == 0) return absl::OkStatus();
  return ::chmod(path.c_str(), S_IRWXU) == 0 ? absl::OkStatus() : files::ErrnoStatus("cannot take rights of others from", path, errno);
}

}  // namespace

StatusOr<StateFolder> StateFolder::FromEnvironment() {
  if (const std::string chosen = Variable("DEIT_STATE_DIR"); !chosen.empty()) {
    DEIT_ASSIGN_OR_RETURN(const std::string here, files::CurrentFolder());
    return StateFolder(files::AbsolutePath(here, chosen));
  }
  if (const std::string state = Variable("XDG_STATE_HOME"); !state.empty() && state[0] == '/') return StateFolder(state + "/deit");
  if (const std::string home = Variable("HOME"); !home.empty()) return StateFolder(home + "/.local/state/deit");
  return WithHint(absl::FailedPreconditionError("state folder: neither DEIT_STATE_DIR nor HOME is set"), kFolderHint);
}

Status MakeStateFolder(const StateFolder& folder) {
  Status made = MakePrivateFolder(folder.Jobs());
  if (made.ok()) made = TakeRightsOfOthers(folder.Jobs());
  return WithHint(Annotate(made, "state folder"), kFolderHint);
}

std::string IndexFolder() {
  const auto folder = StateFolder::FromEnvironment();
  return folder.ok() && MakeStateFolder(*folder).ok() ? folder->Indexes() : "";
}

}  // namespace deit::job
