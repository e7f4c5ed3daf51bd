#include "common/plan/shards.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"

namespace deit::plan {
namespace {

// The block bound of the bucket (counted from its first block) nearest to `target` / `scale` elements after its start.
int NearestBound(const Grid& grid, BlockRange bucket, int64_t target, int64_t scale) {
  int bound = 0;
  int64_t at = 0;
  while (bound < bucket.size()) {
    const int64_t next = at + grid.blocks()[static_cast<size_t>(bucket.begin + bound)].count;
    if ((next + at) * scale >= 2 * target) break;  // the target is not beyond the middle of this block
    at = next;
    ++bound;
  }
  return bound;
}

}  // namespace

Shards::Shards(const Grid& grid, int workers) : workers_(workers) {
  DEIT_CHECK(workers >= 1, "workers=", workers);
  elements_.resize(static_cast<size_t>(workers));
  owners_.resize(grid.blocks().size());
  int64_t so_far = 0;
  for (const BlockRange& bucket : grid.buckets()) {
    so_far += grid.ElementsIn(bucket);
    std::vector<int> bounds{bucket.begin};
    int64_t owned_before = 0;  // by workers 0 .. worker-1, in the buckets before this one
    for (int worker = 1; worker < workers; ++worker) {
      owned_before += elements_[static_cast<size_t>(worker - 1)];
      const int bound = bucket.begin + NearestBound(grid, bucket, worker * so_far - owned_before * workers, workers);
      bounds.push_back(std::max(bounds.back(), bound));
    }
    bounds.push_back(bucket.end);
    for (size_t worker = 0; worker < elements_.size(); ++worker) {
      elements_[worker] += grid.ElementsIn({bounds[worker], bounds[worker + 1]});
      std::fill(owners_.begin() + bounds[worker], owners_.begin() + bounds[worker + 1], static_cast<int>(worker));
    }
    bounds_.push_back(std::move(bounds));
  }
}

BlockRange Shards::Of(int bucket, int worker) const {
  const std::vector<int>& bounds = bounds_[static_cast<size_t>(bucket)];
  return {bounds[static_cast<size_t>(worker)], bounds[static_cast<size_t>(worker) + 1]};
}

std::vector<BlockRange> Shards::BlocksOf(int worker) const {
  std::vector<BlockRange> ranges;
  for (int bucket = 0; bucket < static_cast<int>(bounds_.size()); ++bucket) {
    const BlockRange shard = Of(bucket, worker);
    if (!shard.empty()) ranges.push_back(shard);
  }
  return ranges;
}

int64_t Shards::ElementsOf(int worker) const { return elements_[static_cast<size_t>(worker)]; }

int Shards::OwnerOfBlock(int block) const { return owners_[static_cast<size_t>(block)]; }

}  // namespace deit::plan
