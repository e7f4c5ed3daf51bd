#include "common/files/errno_status.h"

#include <cerrno>
#include <system_error>

#include "absl/strings/ascii.h"
#include "common/base/exit_code.h"

namespace deit::files {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT: return absl::StatusCode::kNotFound;
    case EEXIST: return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS: return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return absl::StatusCode::kResourceExhausted;
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
    case EXDEV:
    case EBUSY: return absl::StatusCode::kFailedPrecondition;
    case ENAMETOOLONG:
    case ELOOP: return absl::StatusCode::kInvalidArgument;
    default: return absl::StatusCode::kInternal;
  }
}

}  // namespace

Status ErrnoStatus(absl::string_view action, const std::string& path, int error) {
  std::string cause = std::generic_category().message(error);
  if (!cause.empty()) cause[0] = absl::ascii_tolower(static_cast<unsigned char>(cause[0]));
  const Status status(CodeOf(error), absl::StrCat(path, ": ", action, ": ", cause));
  const bool is_path = error == ENOTDIR || error == EISDIR || error == ELOOP || error == ENAMETOOLONG;  // leads to nothing that can be read
  return is_path ? WithExitCode(status, ExitCode::kMissingInput) : status;
}

}  // namespace deit::files
