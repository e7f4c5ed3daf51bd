#include "common/dataset/idx_file.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "absl/strings/match.h"
#include "common/base/status.h"
#include "common/files/errno_status.h"

namespace deit::dataset {
namespace {

constexpr uint64_t kDeflateBound = 1032;  // zlib's documentation: no stream expands further
constexpr unsigned kReadSize = 1u << 20;
constexpr uint8_t kUnsignedByte = 8;

struct GzClose {
  void operator()(gzFile file) const { gzclose(file); }
};
using GzFile = std::unique_ptr<gzFile_s, GzClose>;

Status Corrupt(const std::string& path, absl::string_view cause) { return absl::DataLossError(absl::StrCat(path, ": ", cause)); }

StatusOr<GzFile> Open(const std::string& path) {
  errno = 0;
  GzFile file(gzopen(path.c_str(), "rb"));
  if (file == nullptr) {
    const int error = errno;
    return files::ErrnoStatus("open", path, error == 0 ? ENOMEM : error);
  }
  gzbuffer(file.get(), 1u << 17);
  return file;
}

// Reads exactly `size` bytes.
Status Read(const std::string& path, GzFile& file, uint8_t* out, size_t size) {
  for (size_t done = 0; done < size;) {
    const auto wanted = static_cast<unsigned>(std::min<size_t>(size - done, kReadSize));
    const int got = gzread(file.get(), out + done, wanted);
    if (got < 0) {
      int error = 0;
      const char* text = gzerror(file.get(), &error);
      return Corrupt(path, error == Z_ERRNO ? std::strerror(errno) : text);
    }
    if (got == 0) return Corrupt(path, "truncated");
    done += static_cast<size_t>(got);
  }
  return absl::OkStatus();
}

// How many bytes the file may hold once decompressed.
StatusOr<uint64_t> LargestContent(const std::string& path, GzFile& file) {
  std::error_code error;
  const uint64_t stored = std::filesystem::file_size(path, error);
  if (error) return Corrupt(path, error.message());
  return gzdirect(file.get()) != 0 ? stored : stored * kDeflateBound;
}

uint64_t BigEndian(const uint8_t* bytes) {
  return uint64_t{bytes[0]} << 24 | uint64_t{bytes[1]} << 16 | uint64_t{bytes[2]} << 8 | uint64_t{bytes[3]};
}

StatusOr<std::vector<int64_t>> ReadHeader(const std::string& path, GzFile& file, size_t rank) {
  std::array<uint8_t, 4> magic{};
  DEIT_RETURN_IF_ERROR(Read(path, file, magic.data(), magic.size()));
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != kUnsignedByte || magic[3] != rank) {
    return Corrupt(path, absl::StrCat("not an IDX file of unsigned bytes with ", rank, " dimensions: it starts with ", int{magic[0]}, " ",
                                      int{magic[1]}, " ", int{magic[2]}, " ", int{magic[3]}));
  }
  std::vector<uint8_t> sizes(4 * rank);
  DEIT_RETURN_IF_ERROR(Read(path, file, sizes.data(), sizes.size()));
  DEIT_ASSIGN_OR_RETURN(const uint64_t most, LargestContent(path, file));
  std::vector<int64_t> dims;
  uint64_t total = 1;
  for (size_t k = 0; k < rank; ++k) {
    const uint64_t dim = BigEndian(&sizes[4 * k]);
    if (dim == 0) return Corrupt(path, absl::StrCat("dimension ", k, " is zero"));
    if (dim > most / total) return Corrupt(path, "truncated: its header promises more than the file can hold");
    total *= dim;
    dims.push_back(static_cast<int64_t>(dim));
  }
  const uint64_t needed = magic.size() + sizes.size() + total;
  if (needed > most) return Corrupt(path, absl::StrCat("truncated: its header promises ", needed, " bytes"));
  return dims;
}

}  // namespace

StatusOr<std::string> FindIdxFile(const std::string& folder, const std::string& name) {
  const std::string plain = absl::StrCat(folder, "/", name);
  for (const std::string& path : {plain, absl::StrCat(plain, ".gz")}) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (status.type() == std::filesystem::file_type::not_found) continue;
    if (error) return files::ErrnoStatus("open", path, error.value());
    if (std::filesystem::is_regular_file(status)) return path;
    return absl::NotFoundError(absl::StrCat(path, ": not a file"));
  }
  return absl::NotFoundError(absl::StrCat(plain, "[.gz]: no such file"));
}

StatusOr<std::vector<int64_t>> ReadIdxDims(const std::string& path, size_t rank) {
  DEIT_ASSIGN_OR_RETURN(GzFile file, Open(path));
  return ReadHeader(path, file, rank);
}

StatusOr<IdxFile> ReadIdxFile(const std::string& path, size_t rank, int64_t max_items) {
  DEIT_ASSIGN_OR_RETURN(GzFile file, Open(path));
  IdxFile result;
  DEIT_ASSIGN_OR_RETURN(result.dims, ReadHeader(path, file, rank));
  const bool all = max_items == 0 || max_items >= result.dims[0];
  size_t size = static_cast<size_t>(all ? result.dims[0] : max_items);
  for (size_t k = 1; k < rank; ++k) size *= static_cast<size_t>(result.dims[k]);
  result.values.resize(size);
  DEIT_RETURN_IF_ERROR(Read(path, file, result.values.data(), size));
  if (!all) return result;
  // The end is read too: for gzip this checks the CRC of everything before it.
  uint8_t more = 0;
  const int got = gzread(file.get(), &more, 1);
  if (got > 0) return Corrupt(path, "longer than its header says");
  int error = 0;
  const char* text = gzerror(file.get(), &error);
  if (got < 0 || error != Z_OK) return Corrupt(path, text);
  return result;
}

}  // namespace deit::dataset
