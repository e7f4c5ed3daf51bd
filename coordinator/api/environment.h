// Files, time and state folder of the functions in coordinator/api. Nothing in this folder takes files or time from anywhere else.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/files/file_system.h"
#include "common/job/state_folder.h"

namespace deit::api {

// A value; `fs` and `clock` outlive it.
struct Environment {
  files::FileSystem* fs;
  Clock* clock;
  job::StateFolder state_folder;
};

// Called where a function has to wait: returns after `duration`, or false as soon as the caller wants no more of it; the function
// then returns Cancelled.
using Pause = absl::FunctionRef<bool(absl::Duration duration)>;

}  // namespace deit::api
