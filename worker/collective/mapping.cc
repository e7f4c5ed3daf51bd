#include "worker/collective/mapping.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace deit::collective {

StatusOr<Mapping> Mapping::Map(size_t bytes, int flags, int file_descriptor) {
  bytes = std::max(RoundUpToPage(bytes), kPageBytes);
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, file_descriptor, 0);
  if (data == MAP_FAILED) return absl::ResourceExhaustedError(absl::StrCat("mapping ", bytes, " bytes: ", std::strerror(errno)));
  madvise(data, bytes, MADV_HUGEPAGE);  // only a wish
  return Mapping(static_cast<std::byte*>(data), bytes);
}

StatusOr<Mapping> Mapping::Private(size_t bytes) { return Map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1); }

StatusOr<Mapping> Mapping::File(int file_descriptor, size_t bytes) { return Map(bytes, MAP_SHARED, file_descriptor); }

Mapping::Mapping(Mapping&& other) noexcept : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

}  // namespace deit::collective
