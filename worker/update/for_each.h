// Independent pieces of work, on as many threads as a worker has. Arithmetic on ranges (block_math.h) treats each element alike, so it gives
// the same bits however it is cut.
#pragma once

#include <cstdint>
#include <functional>

namespace deit::update {

// Calls body(0) .. body(count - 1), each once, in any order and perhaps several at once, and returns when all are done.
using ForEach = std::function<void(int64_t count, const std::function<void(int64_t)>& body)>;

void OneAfterAnother(int64_t count, const std::function<void(int64_t)>& body);

inline constexpr int64_t kPiecesPerThread = 8;  // at least: fewer pieces take less time than starting a thread

// The caller and up to `threads` - 1 others, which are started for each call and joined before it returns; fewer where the system has no more.
// LibTorch's own parallel loops use several threads only in files that are compiled for OpenMP, which ours are not.
ForEach OnThreads(int threads);

}  // namespace deit::update
