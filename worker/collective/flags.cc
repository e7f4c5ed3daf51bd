#include "worker/collective/flags.h"

#include <atomic>
#include <utility>

namespace deit::collective {

static_assert(std::atomic_ref<uint64_t>::is_always_lock_free, "a lock would live in one process only");

FlagBoard::FlagBoard(std::vector<std::byte*> rows, size_t flags) : rows_(std::move(rows)), flags_(flags) {
  for (const std::byte* row : rows_) {
    DEIT_CHECK(reinterpret_cast<uintptr_t>(row) % kFlagBytes == 0, "a row of flags is not on a cache line");
  }
}

uint64_t* FlagBoard::Cell(int rank, size_t flag) const {
  DEIT_CHECK(rank >= 0 && static_cast<size_t>(rank) < rows_.size() && flag < flags_, "flag ", flag, " of rank ", rank);
  return reinterpret_cast<uint64_t*>(rows_[static_cast<size_t>(rank)] + flag * kFlagBytes);
}

void FlagBoard::Set(int rank, size_t flag, uint64_t value) {
  std::atomic_ref<uint64_t>(*Cell(rank, flag)).store(value, std::memory_order_release);
}

void FlagBoard::Increment(int rank, size_t flag) { std::atomic_ref<uint64_t>(*Cell(rank, flag)).fetch_add(1, std::memory_order_relaxed); }

uint64_t FlagBoard::Get(int rank, size_t flag) const {
  return std::atomic_ref<uint64_t>(*Cell(rank, flag)).load(std::memory_order_acquire);
}

Status FlagBoard::WaitAtLeast(int rank, size_t flag, uint64_t value, Deadline deadline, Describe what) const {
  return WaitUntil([&]() -> StatusOr<bool> { return Get(rank, flag) >= value; }, deadline, what);
}

}  // namespace deit::collective
