// The tensors of one checkpoint, independent of the number of workers that wrote it: whole tensors and fragments look the same.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/checkpoint/checkpoint_layout.h"
#include "common/checkpoint/safetensors.h"
#include "common/files/file_system.h"
#include "proto/manifest.pb.h"

namespace deit::checkpoint {

// Thread-safe after Open. It does not verify digests: verify the checkpoint first (law 3).
class TensorCatalog {
 public:
  // Reads every file's header; few files stay open. Two that both hold an element, or fragments of different types, are DataLoss.
  static StatusOr<TensorCatalog> Open(files::FileSystem& fs, const std::string& checkpoint_folder, const v1::CheckpointManifest& manifest);

  struct Piece {
    const SafetensorsFile* file = nullptr;  // owned by the catalog
    const TensorInfo* info = nullptr;
    uint64_t begin = 0;  // its first element within the tensor
  };
  struct Tensor {
    Dtype dtype = Dtype::kF32;
    std::vector<uint64_t> shape;  // of a whole tensor; empty for fragments, which do not know it
    bool whole = false;
    std::vector<Piece> pieces;  // by begin, without overlap
  };

  // By name, sorted; empty where the checkpoint has none of a kind.
  const std::map<std::string, Tensor>& tensors(TensorKind kind) const;
  const Tensor* Find(TensorKind kind, const std::string& name) const;  // null: none

  // Elements [begin, begin + count) of a tensor (flat, row-major), assembled from however many pieces. An unknown tensor is
  // NotFound, another type InvalidArgument, a gap DataLoss naming the first element that no file holds.
  Status ReadRange(TensorKind kind, const std::string& name, Dtype dtype, uint64_t begin, uint64_t count, void* dst) const;
  Status ReadRange(TensorKind kind, const std::string& name, uint64_t begin, uint64_t count, float* dst) const {
    return ReadRange(kind, name, Dtype::kF32, begin, count, dst);
  }

 private:
  TensorCatalog() = default;
  Status Add(TensorKind kind, const SafetensorsFile& file);

  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<TensorKind, std::map<std::string, Tensor>> tensors_;
};

}  // namespace deit::checkpoint
