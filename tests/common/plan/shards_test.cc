#include "common/plan/shards.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"

namespace deit::plan {
namespace {

// deit_tiny_distilled_patch16_224 in state-dict order.
std::vector<TensorShape> TinyDistilled() {
  constexpr int64_t kWidth = 192;
  std::vector<TensorShape> shapes{{"cls_token", {1, 1, kWidth}},
                                  {"pos_embed", {1, 198, kWidth}},
                                  {"dist_token", {1, 1, kWidth}},
                                  {"patch_embed.proj.weight", {kWidth, 3, 16, 16}},
                                  {"patch_embed.proj.bias", {kWidth}}};
  const auto add = [&shapes](const std::string& name, std::vector<int64_t> weight) {
    const int64_t rows = weight[0];
    shapes.push_back({name + ".weight", std::move(weight)});
    shapes.push_back({name + ".bias", {rows}});
  };
  for (int block = 0; block < 12; ++block) {
    const std::string prefix = absl::StrCat("blocks.", block, ".");
    add(prefix + "norm1", {kWidth});
    add(prefix + "attn.qkv", {3 * kWidth, kWidth});
    add(prefix + "attn.proj", {kWidth, kWidth});
    add(prefix + "norm2", {kWidth});
    add(prefix + "mlp.fc1", {4 * kWidth, kWidth});
    add(prefix + "mlp.fc2", {kWidth, 4 * kWidth});
  }
  add("norm", {kWidth});
  add("head", {1000, kWidth});
  add("head_dist", {1000, kWidth});
  return shapes;
}

int64_t LargestBlock(const Grid& grid) {
  int64_t largest = 0;
  for (const Block& block : grid.blocks()) largest = std::max(largest, block.count);
  return largest;
}

// Every block has one owner, shards follow one another in each bucket, and after every bucket no worker owns more than 1/W plus one block.
void ExpectFairParts(const Grid& grid, int workers) {
  const Shards parts(grid, workers);
  std::vector<int64_t> owned(static_cast<size_t>(workers));
  std::vector<std::vector<BlockRange>> ranges(static_cast<size_t>(workers));
  int64_t so_far = 0;
  for (size_t bucket = 0; bucket < grid.buckets().size(); ++bucket) {
    int next = grid.buckets()[bucket].begin;
    for (int worker = 0; worker < workers; ++worker) {
      const BlockRange part = parts.Of(static_cast<int>(bucket), worker);
      ASSERT_EQ(part.begin, next);
      ASSERT_LE(part.begin, part.end);
      for (int block = part.begin; block < part.end; ++block) ASSERT_EQ(parts.OwnerOfBlock(block), worker);
      if (!part.empty()) ranges[static_cast<size_t>(worker)].push_back(part);
      owned[static_cast<size_t>(worker)] += grid.ElementsIn(part);
      next = part.end;
    }
    ASSERT_EQ(next, grid.buckets()[bucket].end);
    so_far += grid.ElementsIn(grid.buckets()[bucket]);
    const int64_t most = *std::max_element(owned.begin(), owned.end());
    ASSERT_LE(most * workers, so_far + LargestBlock(grid) * workers) << workers << " workers, bucket " << bucket;
  }
  for (int worker = 0; worker < workers; ++worker) {
    ASSERT_EQ(parts.ElementsOf(worker), owned[static_cast<size_t>(worker)]);
    ASSERT_EQ(parts.BlocksOf(worker), ranges[static_cast<size_t>(worker)]);
  }
}

TEST(ShardsTest, CutsEachBucketAtTheNearestBlockBounds) {
  const int64_t block = kBlockElements;
  const Grid grid({{"first", {3 * block}}, {"last", {4 * block}}}, 1);  // buckets: blocks 3..6, then blocks 0..2
  const Shards parts(grid, 2);
  EXPECT_EQ(parts.Of(0, 0), (BlockRange{3, 5}));
  EXPECT_EQ(parts.Of(0, 1), (BlockRange{5, 7}));
  EXPECT_EQ(parts.Of(1, 0), (BlockRange{0, 1}));  // 3.5 of 7 blocks: the lower of two equally near bounds
  EXPECT_EQ(parts.Of(1, 1), (BlockRange{1, 3}));
  EXPECT_EQ(parts.ElementsOf(0), 3 * block);
}

TEST(ShardsTest, EvensOutOverBuckets) {
  const int64_t block = kBlockElements;
  std::vector<TensorShape> shapes;
  for (int i = 0; i < 12; ++i) shapes.push_back({"t", {block}});
  const Shards parts(Grid(shapes, 1), 3);  // twelve buckets of one block each
  for (int worker = 0; worker < 3; ++worker) EXPECT_EQ(parts.ElementsOf(worker), 4 * block);
}

TEST(ShardsTest, AreFairOnTinyDistilled) {
  for (int64_t bucket_elements : {int64_t{1}, int64_t{1} << 18, int64_t{1} << 20, int64_t{1} << 30}) {
    const Grid grid(TinyDistilled(), bucket_elements);
    ASSERT_EQ(grid.ElementsIn({0, static_cast<int>(grid.blocks().size())}), 5910800);
    for (int workers : {1, 2, 3, 4, 5, 6, 7, 8, 16, 31, 64, 500}) ExpectFairParts(grid, workers);
  }
}

// Why buckets are cut one by one: with a few workers everybody has something to do in each.
TEST(ShardsTest, GiveEveryWorkerWorkInEveryBucketOfTinyDistilled) {
  const Grid grid(TinyDistilled(), int64_t{1} << 20);
  for (int workers : {2, 3, 4}) {
    const Shards parts(grid, workers);
    for (size_t bucket = 0; bucket + 1 < grid.buckets().size(); ++bucket) {
      for (int worker = 0; worker < workers; ++worker) EXPECT_FALSE(parts.Of(static_cast<int>(bucket), worker).empty());
    }
  }
}

TEST(ShardsTest, AreFairOnRandomModels) {
  std::mt19937_64 random(1);
  for (int trial = 0; trial < 1000; ++trial) {
    std::vector<TensorShape> shapes;
    const int tensors = std::uniform_int_distribution<int>(1, 40)(random);
    const std::vector<int64_t> sizes{0, 1, 100, kBlockElements / 2 + 1, kBlockElements - 1, kBlockElements, 3 * kBlockElements + 7};
    for (int i = 0; i < tensors; ++i) shapes.push_back({"t", {sizes[std::uniform_int_distribution<size_t>(0, sizes.size() - 1)(random)]}});
    const Grid grid(shapes, std::uniform_int_distribution<int64_t>(1, 4 * kBlockElements)(random));
    ExpectFairParts(grid, std::uniform_int_distribution<int>(1, 20)(random));
  }
}

TEST(ShardsTest, HandlesMoreWorkersThanBlocks) {
  const Grid grid({{"a", {10}}}, 1);
  const Shards parts(grid, 4);
  int owners = 0;
  for (int worker = 0; worker < 4; ++worker) owners += parts.ElementsOf(worker) == 10;
  EXPECT_EQ(owners, 1);
}

}  // namespace
}  // namespace deit::plan
