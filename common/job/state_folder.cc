#include "common/job/state_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "common/files/absolute_path.h"
#include "common/files/errno_status.h"
#include "common/files/operations.h"
#include "common/files/private_folder.h"

namespace deit::job {
namespace {

constexpr char kFolderHint[] = "set DEIT_STATE_DIR to a folder of your own";

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Modes have no seam: rights exist on a real file system only.
Status MakePrivateFolders(const std::string& path) {
  if (::mkdir(path.c_str(), S_IRWXU) == 0 || errno == EEXIST) return absl::OkStatus();
  if (errno != ENOENT) return files::ErrnoStatus("cannot create folder", path, errno);
  DEIT_RETURN_IF_ERROR(MakePrivateFolders(files::ParentOf(path)));
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

// Whether a folder could be made at `path`, or is there and can be written to. Makes nothing.
bool CanBeMade(const std::string& path) {
  if (::access(path.c_str(), W_OK | X_OK) == 0) return true;
  return errno == ENOENT && path != "/" && CanBeMade(files::ParentOf(path));
}

// Where there is no home: a folder of this user on this machine. Not XDG_RUNTIME_DIR, which is emptied when the user logs out: training
// goes on then.
std::string PlaceWithoutHome() { return absl::StrCat("/tmp/deit-state-", ::geteuid()); }

}  // namespace

StatusOr<StateFolder> StateFolder::FromEnvironment() {
  if (const std::string chosen = Variable("DEIT_STATE_DIR"); !chosen.empty()) {
    DEIT_ASSIGN_OR_RETURN(const std::string here, files::CurrentFolder());
    return StateFolder(files::AbsolutePath(here, chosen));
  }
  std::string usual;
  if (const std::string home = Variable("HOME"); !home.empty() && home[0] == '/') usual = home + "/.local/state/deit";
  if (const std::string state = Variable("XDG_STATE_HOME"); !state.empty() && state[0] == '/') usual = state + "/deit";
  return StateFolder(!usual.empty() && CanBeMade(usual) ? usual : PlaceWithoutHome());
}

Status MakeStateFolder(const StateFolder& folder) {
  Status made = MakePrivateFolders(folder.Jobs());
  // In /tmp another user may have made the upper folder, and could put other jobs in the place of ours.
  if (made.ok() && folder.path() == PlaceWithoutHome()) made = files::MakePrivateFolder(folder.path());
  if (made.ok()) made = TakeRightsOfOthers(folder.Jobs());
  return WithHint(Annotate(made, "state folder"), kFolderHint);
}

std::string IndexFolder() {
  const auto folder = StateFolder::FromEnvironment();
  return folder.ok() && MakeStateFolder(*folder).ok() ? folder->Indexes() : "";
}

}  // namespace deit::job
