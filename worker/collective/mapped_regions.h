// Consecutive memory regions of several members, each aligned to 4,096 bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "worker/collective/communicator.h"
#include "worker/collective/mapping.h"

namespace deit::collective {

class RegionTable {
 public:
  explicit RegionTable(std::vector<size_t> bytes) : bytes_(std::move(bytes)) {
    for (const size_t part : bytes_) {
      offsets_.push_back(total_);
      total_ += RoundUpToPage(part);
    }
  }

  size_t offset(int rank) const { return offsets_[static_cast<size_t>(rank)]; }
  size_t bytes(int rank) const { return bytes_[static_cast<size_t>(rank)]; }
  size_t total() const { return total_; }

 private:
  std::vector<size_t> bytes_;
  std::vector<size_t> offsets_;
  size_t total_ = 0;
};

// SharedMemory over one mapping, which several of them may hold.
class MappedRegions final : public SharedMemory {
 public:
  MappedRegions(std::shared_ptr<const Mapping> mapping, RegionTable parts) : mapping_(std::move(mapping)), parts_(std::move(parts)) {}
  std::byte* base(int rank) const override { return mapping_->data() + parts_.offset(rank); }
  size_t bytes(int rank) const override { return parts_.bytes(rank); }

 private:
  std::shared_ptr<const Mapping> mapping_;
  RegionTable parts_;
};

}  // namespace deit::collective
