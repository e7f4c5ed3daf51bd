// MNIST's IDX files of unsigned bytes, plain or gzipped: two zero bytes, type 8, rank, one big-endian uint32 per dimension, then the
// values, the last dimension fastest. http://yann.lecun.com/exdb/mnist (end of the page)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace deit::dataset {

struct IdxFile {
  std::vector<int64_t> dims;    // as the header says; dims[0] counts items
  std::vector<uint8_t> values;  // of the items asked for
};

// `folder`/`name`, or `folder`/`name`.gz where only that exists. NotFound or PermissionDenied, naming the path.
absl::StatusOr<std::string> FindIdxFile(const std::string& folder, const std::string& name);

// The dimensions alone. DataLoss for another type or rank, a dimension of zero, or a header that promises more than the file can hold:
// its size when plain, 1,032 times that when gzipped (deflate's bound), so that no lying header costs memory.
absl::StatusOr<std::vector<int64_t>> ReadIdxDims(const std::string& path, size_t rank);

// The first `max_items` items (0: all, and then the file must end there). DataLoss as above and for truncated or corrupt files.
absl::StatusOr<IdxFile> ReadIdxFile(const std::string& path, size_t rank, int64_t max_items);

}  // namespace deit::dataset
