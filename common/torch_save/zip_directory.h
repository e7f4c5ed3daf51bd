// Directory of a zip archive.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (4.3.7 to 4.3.16, 4.5.3)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/files/file_system.h"

namespace deit::torch_save {

struct ZipMember {
  std::string name;
  uint64_t offset = 0;          // of its first byte in the file
  uint64_t bytes = 0;           // as they are stored; all of them lie in the file
  const char* coded = nullptr;  // "compressed", "encrypted": so these bytes are not the member's content
};

// In the directory's order. Archives beyond 4 GiB (zip64) are read. DataLoss names what is wrong: no directory (a file that was cut off),
// lengths and offsets out of range, the same name twice, more than 64 MiB of directory. Checksums
// of members are not compared, since torch.save may be told to leave them out.
StatusOr<std::vector<ZipMember>> ReadZipDirectory(const files::RandomAccessFile& file);

}  // namespace deit::torch_save
