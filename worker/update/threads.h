// Threads for independent pieces of work.
#pragma once

#include "worker/update/for_each.h"

namespace deit::update {

inline constexpr int64_t kPiecesPerThread = 8;  // fewer of them cost less than a thread

// The caller and up to `threads` - 1 others, begun for each call that is long enough and joined before it returns; fewer where the system
// has no more. LibTorch's own parallel loops work in files that are compiled for OpenMP alone, which ours are not.
ForEach OnThreads(int threads);

}  // namespace deit::update
