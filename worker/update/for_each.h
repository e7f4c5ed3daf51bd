// Independent pieces of work, for as many threads as a worker has. Arithmetic on ranges (block_math.h) treats each element alike, so it gives
// the same bits however it is cut.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

namespace deit::update {

// Calls body(0) .. body(count - 1), each once, in any order and perhaps several at once, and returns when all are done.
using ForEach = std::function<void(int64_t count, const std::function<void(int64_t)>& body)>;

inline void OneAfterAnother(int64_t count, const std::function<void(int64_t)>& body) {
  for (int64_t i = 0; i < count; ++i) body(i);
}

// Calls body(begin, count) for pieces of a range that are long enough to be worth a thread.
inline void ForEachPiece(const ForEach& for_each, int64_t count, const std::function<void(int64_t begin, int64_t count)>& body) {
  constexpr int64_t kPiece = 1 << 15;  // 128 KiB of floats
  for_each((count + kPiece - 1) / kPiece, [&](int64_t i) { body(i * kPiece, std::min(kPiece, count - i * kPiece)); });
}

}  // namespace deit::update
