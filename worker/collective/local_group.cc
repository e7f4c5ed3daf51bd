#include "worker/collective/local_group.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/collective/mapped_regions.h"

namespace deit::collective {
namespace {

void Deliver(Posting& send, Posting& receive) {
  if (send.buffer.bytes() != receive.buffer.bytes()) {
    receive.error = absl::InvalidArgumentError(
        absl::StrCat("message: ", send.buffer.bytes(), " bytes from worker ", send.sender, ": ", receive.buffer.bytes(), " were expected"));
  } else if (send.buffer.bytes() > 0) {
    std::memmove(receive.buffer.data, send.buffer.data, send.buffer.bytes());
  }
  send.done = receive.done = true;
}

using Postings = std::list<std::shared_ptr<Posting>>;

std::shared_ptr<Posting> Take(Postings& postings, int sender, int tag) {
  const auto found =
      std::find_if(postings.begin(), postings.end(), [&](const auto& posting) { return posting->sender == sender && posting->tag == tag; });
  if (found == postings.end()) return nullptr;
  std::shared_ptr<Posting> posting = *found;
  postings.erase(found);
  return posting;
}

std::byte* At(const Buffer& buffer, size_t element) { return static_cast<std::byte*>(buffer.data) + element * SizeOf(buffer.type); }

void Copy(void* to, const void* from, size_t bytes) {
  if (bytes > 0 && to != from) std::memcpy(to, from, bytes);
}

Status CheckAlike(const CollectiveOp& op) {
  const Participant& first = op.participants.front();
  for (const Participant& participant : op.participants) {
    if (participant.counts != first.counts || participant.input.type != first.input.type) {
      return absl::InvalidArgumentError("collective operation: the members' counts or element types differ");
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::shared_ptr<Posting> Mailbox::PostSend(Posting send, int sender) {
  send.sender = sender;
  auto posting = std::make_shared<Posting>(std::move(send));
  const MutexLock lock(mutex);
  if (const std::shared_ptr<Posting> receive = Take(receives, sender, posting->tag)) {
    Deliver(*posting, *receive);
  } else {
    sends.push_back(posting);
  }
  return posting;
}

std::shared_ptr<Posting> Mailbox::PostReceive(Posting receive) {
  receive.sender = receive.peer;
  auto posting = std::make_shared<Posting>(std::move(receive));
  const MutexLock lock(mutex);
  if (const std::shared_ptr<Posting> send = Take(sends, posting->sender, posting->tag)) {
    Deliver(*send, *posting);
  } else {
    receives.push_back(posting);
  }
  return posting;
}

Status SumForAll(CollectiveOp& op, const LocalOptions& /*options*/) {
  const Buffer& sum = op.participants.front().output;
  for (const Participant& participant : op.participants) {
    if (participant.input.count != sum.count || participant.input.type != sum.type) {
      return absl::InvalidArgumentError("all-reduce: the members' buffers differ");
    }
  }
  for (size_t rank = 1; rank < op.participants.size(); ++rank) AddInto(sum.type, sum.data, op.participants[rank].input.data, sum.count);
  for (const Participant& participant : op.participants) Copy(participant.output.data, sum.data, sum.bytes());
  return absl::OkStatus();
}

Status SumParts(CollectiveOp& op, const LocalOptions& /*options*/) {
  DEIT_RETURN_IF_ERROR(CheckAlike(op));
  size_t offset = 0;
  for (const Participant& participant : op.participants) {
    const Buffer& sum = participant.output;
    Copy(sum.data, At(op.participants.front().input, offset), sum.bytes());
    for (size_t rank = 1; rank < op.participants.size(); ++rank) {
      AddInto(sum.type, sum.data, At(op.participants[rank].input, offset), sum.count);
    }
    offset += sum.count;
  }
  return absl::OkStatus();
}

Status GatherParts(CollectiveOp& op, const LocalOptions& /*options*/) {
  DEIT_RETURN_IF_ERROR(CheckAlike(op));
  size_t offset = 0;
  for (const Participant& from : op.participants) {
    for (const Participant& to : op.participants) Copy(At(to.output, offset), from.input.data, from.input.bytes());
    offset += from.input.count;
  }
  return absl::OkStatus();
}

Status MakeParts(CollectiveOp& op, const LocalOptions& options) {
  for (const Participant& participant : op.participants) {
    if (participant.counts.size() != 1) return absl::InvalidArgumentError("shared memory: some members are in another operation");
    op.part_bytes.push_back(participant.counts.front());
  }
  const size_t total = RegionTable(op.part_bytes).total();
  if (total > options.shared_memory_room) {
    return absl::ResourceExhaustedError(absl::StrCat("shared memory: ", total, " bytes: only ", options.shared_memory_room, " are free"));
  }
  DEIT_ASSIGN_OR_RETURN(Mapping mapping, Mapping::Private(total));
  op.mapping = std::make_shared<const Mapping>(std::move(mapping));
  return absl::OkStatus();
}

LocalGroup::LocalGroup(std::vector<std::string> host_of_each, std::vector<int> launch_rank_of_each, const LocalOptions& all_options)
    : hosts(std::move(host_of_each)), launch_ranks(std::move(launch_rank_of_each)), options(all_options), mailboxes(hosts.size()),
      left(hosts.size()), ops_joined(hosts.size()) {}

std::shared_ptr<CollectiveOp> LocalGroup::Join(int rank, CollectiveOp::Work work, Participant participant) {
  const MutexLock lock(mutex);
  const uint64_t ordinal = ops_joined[static_cast<size_t>(rank)]++;
  std::shared_ptr<CollectiveOp>& entry = operations[ordinal];
  if (entry == nullptr) {
    entry = std::make_shared<CollectiveOp>();
    entry->work = work;
    entry->participants.resize(hosts.size());
    entry->missing = hosts.size();
  }
  std::shared_ptr<CollectiveOp> op = entry;
  if (op->work != work) op->error = absl::InvalidArgumentError("collective operation: the members started different ones");
  op->participants[static_cast<size_t>(rank)] = std::move(participant);
  if (--op->missing == 0) {
    if (op->error.ok()) op->error = work(*op, options);
    op->done = true;
    operations.erase(ordinal);
  }
  return op;
}

std::shared_ptr<LocalGroup> LocalGroup::JoinSubgroup(const std::vector<int>& members, std::string_view name, size_t index) {
  const MutexLock lock(mutex);
  auto found = std::find_if(subgroups.begin(), subgroups.end(), [&](const Subgroup& subgroup) {
    return subgroup.members == members && subgroup.name == name && !subgroup.joined[index];
  });
  if (found == subgroups.end()) {
    std::vector<std::string> member_hosts;
    std::vector<int> member_ranks;
    for (const int member : members) {
      member_hosts.push_back(hosts[static_cast<size_t>(member)]);
      member_ranks.push_back(launch_ranks[static_cast<size_t>(member)]);
    }
    LocalOptions member_options = options;
    member_options.hosts.clear();
    auto group = std::make_shared<LocalGroup>(std::move(member_hosts), std::move(member_ranks), member_options);
    found = subgroups.insert(subgroups.end(), {members, std::string(name), std::move(group), std::vector<bool>(members.size())});
  }
  found->joined[index] = true;
  std::shared_ptr<LocalGroup> group = found->group;
  if (std::find(found->joined.begin(), found->joined.end(), false) == found->joined.end()) subgroups.erase(found);
  return group;
}

}  // namespace deit::collective
