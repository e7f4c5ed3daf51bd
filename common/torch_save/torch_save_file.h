// Weights in a file of torch.save, read without Python: what the file's pickle names is never executed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/files/file_system.h"
#include "common/torch_save/state_dictionary.h"

namespace deit::torch_save {

// An open, checked file (torch_save_format.h says which files are of torch.save). Thread-safe after Open.
class TorchSaveFile {
 public:
  // The state dictionary that FindStateDictionary finds. What cannot be opened keeps the seam's code; a file that is cut off or contradicts
  // itself is DataLoss; so is one that holds no state dictionary that can be read, with the command that converts it as its hint.
  static StatusOr<TorchSaveFile> Open(files::FileSystem& fs, const std::string& path);

  const std::vector<SavedTensor>& tensors() const { return state_.tensors; }
  const std::string& note() const { return state_.note; }  // which of the file's dictionaries was taken; empty: the file is the dictionary

  // The tensor's elements in row-major order: info.bytes of them.
  Status Read(const SavedTensor& tensor, void* dst) const;

 private:
  TorchSaveFile() = default;

  std::unique_ptr<files::RandomAccessFile> file_;
  StateDictionary state_;
};

}  // namespace deit::torch_save
