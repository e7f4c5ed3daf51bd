// Assignment of blocks to owning workers: worker w owns the w-th shard of every bucket, so that every bucket keeps all links busy. Only
// ownership depends on the number of workers; nothing that is computed does.
#pragma once

#include <cstdint>
#include <vector>

#include "common/plan/grid.h"

namespace deit::plan {

// Buckets are taken in order. In each, shard w starts at the block bound that brings what workers 0 .. w-1 own nearest to w/W of all
// elements so far (the lower bound of two equally near), or where shard w-1 starts if that is later. Elements are counted without padding.
// After every bucket no worker owns more than 1/W of the elements so far plus one block: a shard that is not empty ends at most half a
// block after its end's target and starts at most half a block before its start's, and the distance between these two
// targets is what its worker lacks of 1/W. A shard may be empty. Immutable and thread-safe.
class Shards {
 public:
  Shards(const Grid& grid, int workers);  // workers >= 1; the grid is not kept

  BlockRange Of(int bucket, int worker) const;
  std::vector<BlockRange> BlocksOf(int worker) const;  // one range per bucket, in bucket order, empty ones left out
  int64_t ElementsOf(int worker) const;                // without padding
  int OwnerOfBlock(int block) const;
  int workers() const { return workers_; }

 private:
  int workers_;
  std::vector<std::vector<int>> bounds_;  // [bucket][worker]: the first block of the shard; one more at the end
  std::vector<int64_t> elements_;         // [worker]
  std::vector<int> owners_;               // [block]
};

}  // namespace deit::plan
