// Layout of a model's tensors in one flat buffer, divided into blocks and buckets. The grid depends on the model only, not on the number of
// workers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace deit::plan {

constexpr int64_t kAlignElements = 64;     // each tensor starts at a multiple of it
constexpr int64_t kBlockElements = 65536;  // largest block

struct TensorShape {
  std::string name;
  std::vector<int64_t> shape;  // empty: a scalar; a zero: a tensor without elements
};

struct TensorPlace {
  std::string name;
  std::vector<int64_t> shape;
  int64_t offset;  // elements from the buffer's start
  int64_t count;   // elements, without padding
};

// At most kBlockElements consecutive elements of one tensor.
struct Block {
  int tensor;
  int64_t offset;  // elements from the buffer's start
  int64_t count;   // without padding
};

// Blocks begin .. end - 1.
struct BlockRange {
  int begin, end;
  int size() const { return end - begin; }
  bool empty() const { return begin == end; }
  bool operator==(const BlockRange&) const = default;
};

// Immutable and thread-safe.
class Grid {
 public:
  // Tensors in state-dict order, sizes not negative. A bucket is a contiguous range of whole tensors. Buckets are numbered in the order in
  // which gradients become ready, from the last tensor to the first, and each is closed as soon as it holds bucket_elements
  // (>= 1, without padding). Tensors without elements have no blocks and open no bucket (unless there is none).
  Grid(std::vector<TensorShape> tensors, int64_t bucket_elements);

  const std::vector<TensorPlace>& tensors() const { return tensors_; }
  const std::vector<Block>& blocks() const { return blocks_; }         // in buffer order
  const std::vector<BlockRange>& buckets() const { return buckets_; }  // bucket 0 holds the last tensors
  int64_t elements() const { return elements_; }                       // of the buffer, padding included: a multiple of kAlignElements
  int BucketOfTensor(int tensor) const { return bucket_of_tensor_[static_cast<size_t>(tensor)]; }
  BlockRange BlocksOfTensor(int tensor) const { return blocks_of_tensor_[static_cast<size_t>(tensor)]; }

  // Elements of the range's tensors, without padding.
  int64_t ElementsIn(BlockRange range) const;

 private:
  void PlaceTensors(std::vector<TensorShape> tensors);
  void FillBuckets(int64_t bucket_elements);

  std::vector<TensorPlace> tensors_;
  std::vector<Block> blocks_;
  std::vector<BlockRange> buckets_;
  std::vector<int> bucket_of_tensor_;
  std::vector<BlockRange> blocks_of_tensor_;
  int64_t elements_ = 0;
};

}  // namespace deit::plan
