#include "worker/update/for_each.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

namespace deit::update {
namespace {

// The pieces of thread `t` of `threads`, side by side.
void RunShare(int64_t count, int64_t t, int64_t threads, const std::function<void(int64_t)>& body) {
  for (int64_t i = count * t / threads; i < count * (t + 1) / threads; ++i) body(i);
}

}  // namespace

void OneAfterAnother(int64_t count, const std::function<void(int64_t)>& body) { RunShare(count, 0, 1, body); }

ForEach OnThreads(int threads) {
  return [threads](int64_t count, const std::function<void(int64_t)>& body) {
    const int64_t shares = std::max<int64_t>(1, std::min<int64_t>(threads, count / kPiecesPerThread));
    std::vector<std::thread> helpers;
    try {
      while (static_cast<int64_t>(helpers.size()) + 1 < shares) {
        helpers.emplace_back(RunShare, count, static_cast<int64_t>(helpers.size()) + 1, shares, std::cref(body));
      }
    } catch (const std::system_error&) {
      // The caller takes the shares of those that could not be started.
    }
    RunShare(count, 0, shares, body);
    for (int64_t t = static_cast<int64_t>(helpers.size()) + 1; t < shares; ++t) RunShare(count, t, shares, body);
    for (std::thread& helper : helpers) helper.join();
  };
}

}  // namespace deit::update
