// safetensors files: u64 header length (little endian), a JSON header {name: {dtype, shape, data_offsets}, "__metadata__": {...}},
// then the tensors' bytes, row-major, one after the other without holes. https://github.com/huggingface/safetensors#format
// Ours also pad the header with spaces so that the data starts at a multiple of 64 bytes, and order tensors by falling element
// size, so that each is aligned to its elements. Any file of the format can be read.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "common/checkpoint/dtype.h"
#include "common/files/file_system.h"

namespace deit::checkpoint {

inline constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // as the reference implementation
inline constexpr uint64_t kDataAlignment = 64;

struct TensorInfo {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<uint64_t> shape;
  uint64_t elements = 0;  // product of shape
  uint64_t bytes = 0;     // elements x element size
  uint64_t offset = 0;    // of its first byte in the file
};

// A checked file, of which any number may exist at once (files/file_on_demand.h); `fs` outlives it. Thread-safe after Open.
class SafetensorsFile {
 public:
  // Every lie of a header is DataLoss naming file, tensor and value: lengths and offsets out of range, overlaps, holes, bytes
  // that dtype and shape do not give, duplicate names, bad UTF-8, unknown fields. What cannot be opened keeps the seam's code.
  static StatusOr<SafetensorsFile> Open(files::FileSystem& fs, const std::string& path);

  const std::string& path() const { return path_; }
  uint64_t file_bytes() const { return file_->Size(); }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::vector<TensorInfo>& tensors() const { return tensors_; }  // in file order
  const TensorInfo* Find(const std::string& name) const;               // null: no such tensor

  // The whole tensor. `bytes` must be the tensor's (InvalidArgument otherwise, naming both); an unknown name is NotFound.
  Status Read(const std::string& name, void* dst, uint64_t bytes) const;

  // Bytes [begin, begin + bytes) of a tensor of this file.
  Status ReadRange(const TensorInfo& tensor, uint64_t begin, uint64_t bytes, void* dst) const;

 private:
  SafetensorsFile() = default;

  std::string path_;
  std::unique_ptr<files::RandomAccessFile> file_;
  std::map<std::string, std::string> metadata_;
  std::vector<TensorInfo> tensors_;
  absl::flat_hash_map<std::string, size_t> index_;
};

// A tensor to write. `data` is not owned and stays unchanged during the write; elements are little endian, as the host.
struct TensorData {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<uint64_t> shape;
  const void* data = nullptr;
  uint64_t bytes = 0;  // must be what dtype and shape give
};

struct WrittenFile {
  uint64_t bytes = 0;
  uint64_t digest = 0;  // xxh3-64 of the whole file, taken while writing
};

// Writes, syncs and closes `path` (its name is not yet durable: see files::RenameDurably). Duplicate or non-UTF-8 names, the name
// "__metadata__", or bytes that do not fit dtype and shape are InvalidArgument.
StatusOr<WrittenFile> WriteSafetensors(files::FileSystem& fs, const std::string& path, absl::Span<const TensorData> tensors,
                                       const std::map<std::string, std::string>& metadata);

}  // namespace deit::checkpoint
