// The binary files of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html): records of one label byte (CIFAR-100: coarse, then
// fine) and 3,072 bytes of pixels, planes of 32 x 32 in the order red, green, blue.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/dataset/index.h"

namespace deit::dataset {

inline constexpr int kCifarSide = 32;
inline constexpr int64_t kCifarPixelBytes = int64_t{3} * kCifarSide * kCifarSide;

// One part of the data set, as its files are.
struct CifarPart {
  std::vector<std::string> paths;    // in their order
  std::vector<int64_t> records;      // of each file
  int label_bytes = 1;               // per record; the last of them is the label
  std::vector<std::string> classes;  // from the names' file; empty without one

  int64_t record_bytes() const { return label_bytes + kCifarPixelBytes; }
  int64_t size() const;
};

// In data.root: data_batch_1.bin to data_batch_5.bin and test_batch.bin (CIFAR-10), or train.bin and test.bin (CIFAR-100, fine labels). NotFound
// with a hint, naming the file that is missing; DataLoss for a file that is not whole records.
absl::StatusOr<CifarPart> FindCifar(const v1::JobSpec& spec, Split split);

}  // namespace deit::dataset
