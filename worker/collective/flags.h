// Progress flags in shared memory, by which the workers of one node signal progress without messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/base/status.h"
#include "worker/collective/wait.h"

namespace deit::collective {

// A table of 64-bit flags, one row per rank, each flag on its own cache line. Only its rank sets a row's flags, to growing values (a
// step number, say); everybody reads. What was written before Set() is visible to every reader of the value (release / acquire).
// Thread-safe. The memory is not owned.
class FlagBoard {
 public:
  static constexpr size_t kFlagBytes = 64;
  static constexpr size_t BytesPerRow(size_t flags) { return flags * kFlagBytes; }

  // rows[r]: BytesPerRow(flags) zeroed bytes at a multiple of 64, as mapped here: usually the start of SharedMemory::base(r).
  FlagBoard(std::vector<std::byte*> rows, size_t flags);

  size_t ranks() const { return rows_.size(); }
  size_t flags() const { return flags_; }

  void Set(int rank, size_t flag, uint64_t value);
  uint64_t Get(int rank, size_t flag) const;

  // A flag that several threads of its rank count up together: only by this. Publishes nothing else that they wrote.
  void Increment(int rank, size_t flag);

  // Until Get(rank, flag) >= value; see wait.h.
  Status WaitAtLeast(int rank, size_t flag, uint64_t value, Deadline deadline, Describe what) const;

 private:
  uint64_t* Cell(int rank, size_t flag) const;

  std::vector<std::byte*> rows_;
  size_t flags_;
};

}  // namespace deit::collective
