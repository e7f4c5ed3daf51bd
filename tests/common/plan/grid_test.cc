#include "common/plan/grid.h"

#include <gtest/gtest.h>

#include <random>

namespace deit::plan {
namespace {

TEST(GridTest, StartsEachTensorAtAMultipleOf64) {
  const Grid grid({{"a", {3, 5}}, {"b", {64}}, {"scalar", {}}, {"empty", {0, 7}}, {"c", {65}}}, 1);
  std::vector<int64_t> offsets, counts;
  for (const TensorPlace& place : grid.tensors()) {
    offsets.push_back(place.offset);
    counts.push_back(place.count);
  }
  EXPECT_EQ(offsets, (std::vector<int64_t>{0, 64, 128, 192, 192}));
  EXPECT_EQ(counts, (std::vector<int64_t>{15, 64, 1, 0, 65}));
  EXPECT_EQ(grid.elements(), 320);
  EXPECT_EQ(grid.tensors()[0].name, "a");
  EXPECT_EQ(grid.tensors()[0].shape, (std::vector<int64_t>{3, 5}));
}

TEST(GridTest, StartsBlocksAnewAtEachTensor) {
  const Grid grid({{"a", {2, 65536}}, {"b", {65537}}, {"c", {10}}}, 1);
  ASSERT_EQ(grid.blocks().size(), 5U);
  const auto expect = [&grid](size_t number, int tensor, int64_t offset, int64_t count) {
    const Block& block = grid.blocks()[number];
    EXPECT_EQ(block.tensor, tensor);
    EXPECT_EQ(block.offset, offset);
    EXPECT_EQ(block.count, count);
  };
  expect(0, 0, 0, 65536);
  expect(1, 0, 65536, 65536);
  expect(2, 1, 131072, 65536);
  expect(3, 1, 196608, 1);
  expect(4, 2, 196672, 10);
  EXPECT_EQ(grid.BlocksOfTensor(1), (BlockRange{2, 4}));
  EXPECT_EQ(grid.ElementsIn({1, 4}), 131073);
}

TEST(GridTest, FillsBucketsFromTheLastTensorToTheFirst) {
  const Grid grid({{"a", {10}}, {"b", {60}}, {"c", {60}}, {"d", {100}}, {"e", {1}}}, 100);
  EXPECT_EQ(grid.buckets(), (std::vector<BlockRange>{{3, 5}, {1, 3}, {0, 1}}));
  std::vector<int> buckets;
  for (int tensor = 0; tensor < 5; ++tensor) buckets.push_back(grid.BucketOfTensor(tensor));
  EXPECT_EQ(buckets, (std::vector<int>{2, 1, 1, 0, 0}));
}

TEST(GridTest, OpensNoBucketForTensorsWithoutElements) {
  const Grid grid({{"empty", {0}}, {"a", {10}}, {"empty too", {5, 0}}}, 10);
  EXPECT_EQ(grid.buckets(), (std::vector<BlockRange>{{0, 1}}));
  EXPECT_EQ(grid.BucketOfTensor(0), 0);
  EXPECT_EQ(grid.BucketOfTensor(2), 0);
  EXPECT_TRUE(grid.BlocksOfTensor(2).empty());
}

TEST(GridTest, HandlesAModelOfNothing) {
  const Grid none({}, 1);
  EXPECT_EQ(none.elements(), 0);
  EXPECT_TRUE(none.buckets().empty());
  const Grid empty({{"empty", {0}}}, 1);
  EXPECT_EQ(empty.buckets(), (std::vector<BlockRange>{{0, 0}}));
}

TEST(GridTest, CoversEveryElementOnceForRandomModels) {
  std::mt19937_64 random(1);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<TensorShape> shapes;
    const int tensors = std::uniform_int_distribution<int>(1, 30)(random);
    for (int i = 0; i < tensors; ++i) {
      const int64_t largest = std::uniform_int_distribution<int>(0, 2)(random) == 0 ? 300000 : 200;
      shapes.push_back({"t", {std::uniform_int_distribution<int64_t>(0, largest)(random)}});
    }
    const int64_t bucket_elements = std::uniform_int_distribution<int64_t>(1, 400000)(random);
    const Grid grid(shapes, bucket_elements);

    int next_block = 0;
    for (int tensor = 0; tensor < tensors; ++tensor) {
      const TensorPlace& place = grid.tensors()[static_cast<size_t>(tensor)];
      const BlockRange blocks = grid.BlocksOfTensor(tensor);
      ASSERT_EQ(blocks.begin, next_block);
      ASSERT_EQ(place.offset % kAlignElements, 0);
      int64_t done = 0;
      for (int number = blocks.begin; number < blocks.end; ++number) {
        const Block& block = grid.blocks()[static_cast<size_t>(number)];
        ASSERT_EQ(block.tensor, tensor);
        ASSERT_EQ(block.offset, place.offset + done);
        ASSERT_GT(block.count, 0);
        ASSERT_LE(block.count, kBlockElements);
        done += block.count;
      }
      ASSERT_EQ(done, place.count);
      next_block = blocks.end;
    }
    ASSERT_EQ(next_block, static_cast<int>(grid.blocks().size()));
    ASSERT_EQ(grid.elements() % kAlignElements, 0);

    int end = next_block;
    for (size_t bucket = 0; bucket < grid.buckets().size(); ++bucket) {
      const BlockRange range = grid.buckets()[bucket];
      ASSERT_EQ(range.end, end);
      end = range.begin;
      const bool last = bucket + 1 == grid.buckets().size();
      ASSERT_TRUE(last || grid.ElementsIn(range) >= bucket_elements);
      if (range.empty()) continue;
      const BlockRange first_tensor = grid.BlocksOfTensor(grid.blocks()[static_cast<size_t>(range.begin)].tensor);
      ASSERT_EQ(first_tensor.begin, range.begin);                                  // whole tensors
      ASSERT_LT(grid.ElementsIn({first_tensor.end, range.end}), bucket_elements);  // closed as soon as it was full
    }
    ASSERT_EQ(end, 0);
  }
}

TEST(GridDeathTest, RefusesNegativeAndOverflowingSizes) {
  EXPECT_DEATH(Grid({{"x", {-1}}}, 1), "x: size=-1");
  EXPECT_DEATH(Grid({{"x", {int64_t{1} << 40, int64_t{1} << 40}}}, 1), "x: too large");
}

}  // namespace
}  // namespace deit::plan
