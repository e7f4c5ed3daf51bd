// Shared state of a local group: mailboxes for messages, rendezvous for collective operations. Private to local_communicator.cc.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/mutex.h"
#include "common/base/status.h"
#include "worker/collective/communicator.h"
#include "worker/collective/local_communicator.h"
#include "worker/collective/mapping.h"

namespace deit::collective {

// A send or a receive that was posted. Guarded by the mailbox's mutex.
struct Posting {
  Buffer buffer;
  int peer = 0;  // the other side, seen from who posted it
  int tag = 0;
  int sender = 0;
  bool done = false;
  Status error = {};
};

// Unmatched postings of one receiver, in the order of posting. The second of a pair copies.
struct Mailbox {
  std::shared_ptr<Posting> PostSend(Posting send, int sender);
  std::shared_ptr<Posting> PostReceive(Posting receive);

  Mutex mutex;
  std::list<std::shared_ptr<Posting>> sends DEIT_GUARDED_BY(mutex);
  std::list<std::shared_ptr<Posting>> receives DEIT_GUARDED_BY(mutex);
};

// What one member brings to a collective operation.
struct Participant {
  bool taken = false;
  Buffer input;
  Buffer output;
  std::vector<size_t> counts;
};

// One collective operation: the last member to arrive does everybody's work. Guarded by the group's mutex.
struct CollectiveOp {
  using Work = Status (*)(CollectiveOp& op, const LocalOptions& options);

  Work work = nullptr;
  std::vector<Participant> participants;
  size_t missing = 0;
  bool done = false;
  Status error;
  std::shared_ptr<const Mapping> mapping;  // Share() only
  std::vector<size_t> part_bytes;
};

// The kinds of work. InvalidArgument when the members' arguments differ.
Status SumForAll(CollectiveOp& op, const LocalOptions& options);
Status SumParts(CollectiveOp& op, const LocalOptions& options);
Status GatherParts(CollectiveOp& op, const LocalOptions& options);
Status MakeParts(CollectiveOp& op, const LocalOptions& options);  // ResourceExhausted beyond options.shared_memory_room

struct LocalGroup {
  LocalGroup(std::vector<std::string> host_of_each, std::vector<int> launch_rank_of_each, const LocalOptions& all_options);
  int size() const { return static_cast<int>(hosts.size()); }

  // Enters this rank into its next operation, as `participant`.
  std::shared_ptr<CollectiveOp> Join(int rank, CollectiveOp::Work work, Participant participant);

  // The group of these members under this name, made by the first caller; each (by index in `members`) gets a new one at each call.
  std::shared_ptr<LocalGroup> JoinSubgroup(const std::vector<int>& members, std::string_view name, size_t index);

  const std::vector<std::string> hosts;
  const std::vector<int> launch_ranks;
  const LocalOptions options;
  std::vector<Mailbox> mailboxes;       // by receiver
  std::vector<std::atomic<bool>> left;  // by rank: its communicator is gone

  Mutex mutex;                                                                          // also guards all operations
  std::vector<uint64_t> ops_joined DEIT_GUARDED_BY(mutex);                              // by rank
  std::map<uint64_t, std::shared_ptr<CollectiveOp>> operations DEIT_GUARDED_BY(mutex);  // by ordinal, until all have come
  struct Subgroup {
    std::vector<int> members;
    std::string name;
    std::shared_ptr<LocalGroup> group;
    std::vector<bool> joined;
  };
  std::list<Subgroup> subgroups DEIT_GUARDED_BY(mutex);  // until all have joined
};

}  // namespace deit::collective
