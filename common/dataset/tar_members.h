// Reads the member table of an uncompressed tar file: POSIX ustar and pax (IEEE Std 1003.1, "pax"), and GNU's long names and large sizes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace deit::dataset {

struct TarMember {
  std::string name;
  uint64_t offset = 0;  // of its first byte in the file
  uint64_t bytes = 0;
  std::string broken_link;  // of a link to what is no regular file in here: its target; there is nothing to read then
};

// Regular files, and links under their own names with the place of what they point to, in their order; folders and devices are left out. Reads
// headers, no contents. An end without the two empty blocks is fine. Errors: the seam's, and DataLoss for a file that is no tar, is cut off,
// holds sparse files, goes on behind its end mark, or is zeros where members should be (an empty file too; one with an end mark alone has no
// members); each names path and byte.
absl::StatusOr<std::vector<TarMember>> ReadTarMembers(const std::string& path);

}  // namespace deit::dataset
