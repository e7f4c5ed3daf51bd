#include "worker/update/for_each.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace deit::update {
namespace {

TEST(ForEachTest, EachPieceIsDoneOnce) {
  for (const int threads : {1, 2, 5}) {
    for (const int64_t count : {int64_t{0}, int64_t{1}, 2 * kPiecesPerThread - 1, 2 * kPiecesPerThread, 5 * kPiecesPerThread + 3}) {
      std::vector<int> done(static_cast<size_t>(count));
      OnThreads(threads)(count, [&](int64_t i) { ++done[static_cast<size_t>(i)]; });
      EXPECT_EQ(done, std::vector<int>(static_cast<size_t>(count), 1)) << threads << " threads";
    }
  }
}

TEST(ForEachTest, LongWorkIsSharedAndShortWorkIsNot) {
  std::mutex mutex;
  const auto threads_of = [&](int64_t count) {
    std::set<std::thread::id> seen;
    OnThreads(3)(count, [&](int64_t) {
      const std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
    });
    return seen.size();
  };
  EXPECT_EQ(threads_of(2 * kPiecesPerThread - 1), 1u);
  EXPECT_EQ(threads_of(2 * kPiecesPerThread), 2u);
  EXPECT_EQ(threads_of(100 * kPiecesPerThread), 3u);
}

}  // namespace
}  // namespace deit::update
