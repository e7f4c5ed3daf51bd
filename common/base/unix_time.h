// Time stamps in Unix seconds, as used in every file of a run folder.
#pragma once

#include "absl/time/time.h"

namespace deit {

// Seconds since 1970 with a fraction, in whole microseconds, which a double holds exactly enough to print shortly.
inline double UnixSeconds(absl::Time time) { return static_cast<double>(absl::ToUnixMicros(time)) / 1e6; }

}  // namespace deit
