// A mapped range of memory: owned, zero-filled, at a multiple of 4,096.
#pragma once

#include <cstddef>

#include "common/base/status.h"

namespace deit::collective {

inline constexpr size_t kPageBytes = 4096;
constexpr size_t RoundUpToPage(size_t bytes) { return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes; }

// Movable; unmapped at the end. Huge pages are asked for where the kernel has them.
class Mapping {
 public:
  static StatusOr<Mapping> Private(size_t bytes);                    // of this process; ResourceExhausted
  static StatusOr<Mapping> File(int file_descriptor, size_t bytes);  // the file's start, shared by all who map it

  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  std::byte* data() const { return data_; }

 private:
  Mapping(std::byte* data, size_t bytes) : data_(data), bytes_(bytes) {}
  static StatusOr<Mapping> Map(size_t bytes, int flags, int file_descriptor);

  std::byte* data_;
  size_t bytes_;
};

}  // namespace deit::collective
