// The job's token: the secret by which its owner and its workers know each other. DEIT_STATE_DIR/jobs/ID.token, never in the run folder.
#pragma once

#include <cstddef>
#include <string>

#include "common/base/status.h"

namespace deit::control {

inline constexpr size_t kTokenBytes = 32;

// Draws a token and makes its file: mode 0600, complete or absent. Its folder must exist. AlreadyExists where there is one: it is kept.
StatusOr<std::string> CreateToken(const std::string& path);

// NotFound without the file. PermissionDenied, with a hint, when it belongs to another user or when others may read or write it;
// DataLoss when it is not a token.
StatusOr<std::string> ReadToken(const std::string& path);

}  // namespace deit::control
