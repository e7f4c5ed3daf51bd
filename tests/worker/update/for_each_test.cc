#include "worker/update/for_each.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace deit::update {
namespace {

using Range = std::pair<int64_t, int64_t>;

std::vector<Range> Pieces(const ForEach& for_each, int64_t count) {
  std::vector<Range> pieces;
  ForEachPiece(for_each, count, [&](int64_t begin, int64_t length) { pieces.push_back({begin, length}); });
  return pieces;
}

TEST(ForEachTest, PiecesCoverTheRangeOnce) {
  EXPECT_TRUE(Pieces(OneAfterAnother, 0).empty());
  EXPECT_EQ(Pieces(OneAfterAnother, 7), (std::vector<Range>{{0, 7}}));
  for (const int64_t count : {int64_t{32768}, int64_t{32769}, int64_t{1'000'003}}) {
    int64_t end = 0;
    for (const auto& [begin, length] : Pieces(OneAfterAnother, count)) {
      EXPECT_EQ(begin, end);
      EXPECT_GT(length, 0);
      end = begin + length;
    }
    EXPECT_EQ(end, count);
  }
}

TEST(ForEachTest, AnyOrderWillDo) {
  const ForEach backwards = [](int64_t count, const std::function<void(int64_t)>& body) {
    while (count-- > 0) body(count);
  };
  EXPECT_EQ(Pieces(backwards, 40000), (std::vector<Range>{{32768, 7232}, {0, 32768}}));
}

}  // namespace
}  // namespace deit::update
