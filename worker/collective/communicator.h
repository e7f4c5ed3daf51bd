// Communicator: a group of workers that exchange ranges of elements. One thin asynchronous interface; backends: threads of one process
// (local_communicator.h) and MPI processes (mpi_communicator.h), chosen at run time by session.h.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "worker/collective/element_type.h"

namespace deit::collective {

enum class Memory { kHost, kCuda };

// A range of elements. Not owned: it must stay valid, and must not be written (read, if received into) by the caller, until
// the transfer it was given to has finished. At most kMaxCount elements; an empty range may have a null pointer.
struct Buffer {
  void* data = nullptr;
  size_t count = 0;
  ElementType type = ElementType::kUint8;
  Memory memory = Memory::kHost;
  void* stream = nullptr;  // the CUDA stream that orders work on kCuda memory; ignored for kHost

  size_t bytes() const { return count * SizeOf(type); }
};

inline constexpr size_t kMaxCount = (size_t{1} << 31) - 1;
inline constexpr int kMaxTag = (1 << 20) - 1;

// One operation under way. One thread at a time.
// Destroyed unfinished, it is given up: an unmatched receive or send is withdrawn; otherwise the backend may still touch
// the buffer, so an owner gives up only on its way out of the process or with the buffer kept.
class Transfer {
 public:
  virtual ~Transfer() = default;

  // True once finished, and ever after. Makes progress; never blocks. No progress is made while no transfer is tested.
  // Unavailable: the peer is known to be gone, or the library failed. InvalidArgument: the sizes of both sides differ.
  virtual StatusOr<bool> Test() = 0;
};

// Memory of one node that all members of a group have mapped, one part per member. Zero-filled when made, first touched by its
// part's owner. Unmapped when destroyed; the others' mappings live on.
class SharedMemory {
 public:
  virtual ~SharedMemory() = default;
  virtual std::byte* base(int rank) const = 0;  // start of that member's part as mapped here: a multiple of 4,096
  virtual size_t bytes(int rank) const = 0;     // as that member asked for
};

// Thread-safe: several threads may start and test different transfers of one communicator. Collective operations (all but Send
// and Receive) are started by every member in the same order. Transfers must not outlive the communicator.
// Errors of every operation: InvalidArgument for a rank, tag, count or memory that cannot be (a bug of the caller), Unavailable for a
// lost peer.
class Communicator {
 public:
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  virtual int rank() const = 0;  // 0 .. size() - 1
  virtual int size() const = 0;

  // Host name of each rank. Ranks with equal names share a node (tests group otherwise).
  virtual const std::vector<std::string>& hosts() const = 0;

  // The launcher's number of each rank, which its own messages and variables name. A world is ordered by host (worker_order.h).
  virtual const std::vector<int>& launch_ranks() const = 0;

  // Point to point, matched by (peer, tag) in the order of posting; 0 <= tag <= kMaxTag. Both sides name the same type and count.
  // A send may finish only once it is received: post receives before waiting for sends. To oneself: allowed.
  virtual StatusOr<std::unique_ptr<Transfer>> Send(Buffer buffer, int peer, int tag) = 0;
  virtual StatusOr<std::unique_ptr<Transfer>> Receive(Buffer buffer, int peer, int tag) = 0;

  // The library's own sums (reduction FASTEST): the order of additions is not defined. Sums in the element's own type.
  virtual StatusOr<std::unique_ptr<Transfer>> AllReduce(Buffer buffer) = 0;  // in place

  // `input` holds the parts of all ranks in rank order, counts[r] elements each; `output` (counts[rank()] elements, apart from
  // `input`) gets the sum of everybody's part rank().
  virtual StatusOr<std::unique_ptr<Transfer>> ReduceScatter(Buffer input, const std::vector<size_t>& counts, Buffer output) = 0;

  // `input` (counts[rank()] elements) becomes part rank() of everybody's `output`, laid out as above. `input` may be exactly that
  // part of `output`; otherwise they do not overlap.
  virtual StatusOr<std::unique_ptr<Transfer>> AllGather(Buffer input, const std::vector<size_t>& counts, Buffer output) = 0;

  // A communicator of `members` (ranks of this one, ascending, the caller among them), member i as rank i. Collective over the
  // members only; they give the same list and name. May outlive this one. Blocks; a member that does not come within the set-up
  // limit of the backend's options is fatal with MPI, whose call cannot be left: a message, and exit 69.
  virtual StatusOr<std::unique_ptr<Communicator>> Subgroup(const std::vector<int>& members, std::string_view name) = 0;

  // `bytes` (each member its own number) of memory shared by all members, who must be on one node. Collective over all members;
  // blocks at most the set-up limit (DeadlineExceeded). ResourceExhausted, on every member alike, when
  // shared memory has no room or cannot be reached by all: the caller falls back to messages.
  virtual StatusOr<std::unique_ptr<SharedMemory>> Share(size_t bytes) = 0;

 protected:
  Communicator() = default;
};

}  // namespace deit::collective
