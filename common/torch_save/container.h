// The two formats of torch.save: a zip archive (torch 1.6 and later), and pickles with the storages behind them (before, and on demand).
// https://github.com/pytorch/pytorch/blob/v2.6.0/torch/serialization.py (_save, _legacy_save)
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/files/file_system.h"
#include "common/torch_save/pickle.h"

namespace deit::torch_save {

struct Storage {
  uint64_t offset = 0;  // of its first byte in the file
  uint64_t bytes = 0;   // all of them lie in the file
};

struct Container {
  std::unique_ptr<const std::string> text;  // what the pickle points into
  Pickle pickle;                            // of the saved object; a storage is kPersistent (StorageName), before 1.6 a module's class too
  absl::flat_hash_map<std::string, Storage> storages;  // by key
};

// The id of a storage: the tuple ('storage', its type, its key, device, elements, ...).
struct StorageName {
  absl::string_view type;  // "FloatStorage"
  absl::string_view key;
  uint64_t elements = 0;
};

// DataLoss: not such an id.
StatusOr<StorageName> ReadStorageName(const PickleValue& persistent);

// Bytes of an element of a storage's type, 0 for an unknown one.
uint64_t ElementBytesOf(absl::string_view storage_type);

// By the file's first bytes. DataLoss: a file that was cut off or contradicts itself. Unimplemented: what torch reads and this does not
// (compressed members, big-endian numbers, view records of torch 0.2).
StatusOr<Container> ReadContainer(const files::RandomAccessFile& file);

}  // namespace deit::torch_save
