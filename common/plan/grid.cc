#include "common/plan/grid.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/status.h"

namespace deit::plan {
namespace {

int64_t CountOf(const TensorShape& tensor) {
  int64_t count = 1;
  for (int64_t size : tensor.shape) {
    DEIT_CHECK(size >= 0, tensor.name, ": size=", size);
    DEIT_CHECK(size == 0 || count <= std::numeric_limits<int64_t>::max() / 4 / size, tensor.name, ": too large");
    count *= size;
  }
  return count;
}

int64_t RoundUp(int64_t elements) { return (elements + kAlignElements - 1) / kAlignElements * kAlignElements; }

}  // namespace

Grid::Grid(std::vector<TensorShape> tensors, int64_t bucket_elements) {
  DEIT_CHECK(bucket_elements >= 1, "bucket_elements=", bucket_elements);
  PlaceTensors(std::move(tensors));
  FillBuckets(bucket_elements);
}

void Grid::PlaceTensors(std::vector<TensorShape> tensors) {
  for (TensorShape& tensor : tensors) {
    const int number = static_cast<int>(tensors_.size());
    const int64_t count = CountOf(tensor);
    const int first_block = static_cast<int>(blocks_.size());
    for (int64_t done = 0; done < count; done += kBlockElements) {
      blocks_.push_back({number, elements_ + done, std::min(kBlockElements, count - done)});
    }
    blocks_of_tensor_.push_back({first_block, static_cast<int>(blocks_.size())});
    tensors_.push_back({std::move(tensor.name), std::move(tensor.shape), elements_, count});
    elements_ += RoundUp(count);
  }
}

void Grid::FillBuckets(int64_t bucket_elements) {
  bucket_of_tensor_.resize(tensors_.size());
  int64_t filled = bucket_elements;  // of the open bucket; full, so that the first tensor opens one
  for (size_t tensor = tensors_.size(); tensor-- > 0;) {
    const int64_t count = tensors_[tensor].count;
    const BlockRange blocks = blocks_of_tensor_[tensor];
    if (buckets_.empty() || (count > 0 && filled >= bucket_elements)) {
      buckets_.push_back({blocks.end, blocks.end});
      filled = 0;
    }
    buckets_.back().begin = blocks.begin;
    bucket_of_tensor_[tensor] = static_cast<int>(buckets_.size()) - 1;
    filled += count;
  }
}

int64_t Grid::ElementsIn(BlockRange range) const {
  int64_t elements = 0;
  for (int block = range.begin; block < range.end; ++block) elements += blocks_[static_cast<size_t>(block)].count;
  return elements;
}

}  // namespace deit::plan
