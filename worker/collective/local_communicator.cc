#include "worker/collective/local_communicator.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <list>
#include <map>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/collective/buffer_checks.h"
#include "worker/collective/local_group.h"
#include "worker/collective/mapped_regions.h"
#include "worker/collective/wait.h"

namespace deit::collective {
namespace {

Status HasLeft(int rank) { return absl::UnavailableError(absl::StrCat("worker ", rank, " has left")); }

// A posted send or receive.
class LocalMessage final : public Transfer {
 public:
  LocalMessage(std::shared_ptr<LocalGroup> group, Mailbox& mailbox, std::shared_ptr<Posting> posting)
      : group_(std::move(group)), mailbox_(mailbox), posting_(std::move(posting)) {}

  ~LocalMessage() override {
    const MutexLock lock(mailbox_.mutex);
    mailbox_.sends.remove(posting_);
    mailbox_.receives.remove(posting_);
  }

  StatusOr<bool> Test() override {
    const MutexLock lock(mailbox_.mutex);
    if (!posting_->error.ok()) return posting_->error;
    if (!posting_->done && group_->left[static_cast<size_t>(posting_->peer)]) return HasLeft(posting_->peer);
    return posting_->done;
  }

 private:
  std::shared_ptr<LocalGroup> group_;
  Mailbox& mailbox_;
  std::shared_ptr<Posting> posting_;  // what it points to is guarded by mailbox_.mutex
};

class LocalCollective final : public Transfer {
 public:
  LocalCollective(std::shared_ptr<LocalGroup> group, std::shared_ptr<CollectiveOp> op) : group_(std::move(group)), op_(std::move(op)) {}

  ~LocalCollective() override {
    const MutexLock lock(group_->mutex);
    if (!op_->done && op_->error.ok()) op_->error = absl::UnavailableError("a worker gave up a collective operation");
  }

  StatusOr<bool> Test() override {
    const MutexLock lock(group_->mutex);
    if (!op_->error.ok()) return op_->error;
    if (op_->done) return true;
    for (size_t rank = 0; rank < op_->participants.size(); ++rank) {
      if (!op_->participants[rank].taken && group_->left[rank]) return HasLeft(static_cast<int>(rank));
    }
    return false;
  }

 private:
  std::shared_ptr<LocalGroup> group_;
  std::shared_ptr<CollectiveOp> op_;  // what it points to is guarded by group_->mutex
};

class LocalCommunicator final : public Communicator {
 public:
  LocalCommunicator(std::shared_ptr<LocalGroup> group, int rank) : group_(std::move(group)), rank_(rank) {}
  ~LocalCommunicator() override { group_->left[static_cast<size_t>(rank_)] = true; }

  int rank() const override { return rank_; }
  int size() const override { return group_->size(); }
  const std::vector<std::string>& hosts() const override { return group_->hosts; }
  const std::vector<int>& launch_ranks() const override { return group_->launch_ranks; }

  StatusOr<std::unique_ptr<Transfer>> Send(Buffer buffer, int peer, int tag) override {
    DEIT_RETURN_IF_ERROR(CheckMessage(buffer, peer, tag, size()));
    Mailbox& mailbox = group_->mailboxes[static_cast<size_t>(peer)];
    return std::make_unique<LocalMessage>(group_, mailbox, mailbox.PostSend({.buffer = buffer, .peer = peer, .tag = tag}, rank_));
  }

  StatusOr<std::unique_ptr<Transfer>> Receive(Buffer buffer, int peer, int tag) override {
    DEIT_RETURN_IF_ERROR(CheckMessage(buffer, peer, tag, size()));
    Mailbox& mailbox = group_->mailboxes[static_cast<size_t>(rank_)];
    return std::make_unique<LocalMessage>(group_, mailbox, mailbox.PostReceive({.buffer = buffer, .peer = peer, .tag = tag}));
  }

  StatusOr<std::unique_ptr<Transfer>> AllReduce(Buffer buffer) override {
    DEIT_RETURN_IF_ERROR(CheckBuffer(buffer));
    return JoinOp(&SumForAll, {.taken = true, .input = buffer, .output = buffer, .counts = {}});
  }

  StatusOr<std::unique_ptr<Transfer>> ReduceScatter(Buffer input, const std::vector<size_t>& counts, Buffer output) override {
    DEIT_RETURN_IF_ERROR(CheckParts(input, counts, output, rank_, size()));
    return JoinOp(&SumParts, {.taken = true, .input = input, .output = output, .counts = counts});
  }

  StatusOr<std::unique_ptr<Transfer>> AllGather(Buffer input, const std::vector<size_t>& counts, Buffer output) override {
    DEIT_RETURN_IF_ERROR(CheckParts(output, counts, input, rank_, size()));
    return JoinOp(&GatherParts, {.taken = true, .input = input, .output = output, .counts = counts});
  }

  StatusOr<std::unique_ptr<Communicator>> Subgroup(const std::vector<int>& members, std::string_view name) override {
    DEIT_RETURN_IF_ERROR(CheckMembers(members, rank_, size()));
    const auto own = std::lower_bound(members.begin(), members.end(), rank_) - members.begin();
    return std::make_unique<LocalCommunicator>(group_->JoinSubgroup(members, name, static_cast<size_t>(own)), static_cast<int>(own));
  }

  StatusOr<std::unique_ptr<SharedMemory>> Share(size_t bytes) override {
    DEIT_RETURN_IF_ERROR(CheckOneNode(hosts()));
    std::shared_ptr<CollectiveOp> op = group_->Join(rank_, &MakeParts, {.taken = true, .input = {}, .output = {}, .counts = {bytes}});
    LocalCollective transfer(group_, op);
    DEIT_RETURN_IF_ERROR(Wait(transfer, {group_->options.setup_limit}, [] {
      return WaitDescription{"not all workers came to share memory", ""};
    }));
    return std::make_unique<MappedRegions>(op->mapping, RegionTable(op->part_bytes));
  }

 private:
  StatusOr<std::unique_ptr<Transfer>> JoinOp(CollectiveOp::Work work, Participant participant) {
    return std::make_unique<LocalCollective>(group_, group_->Join(rank_, work, std::move(participant)));
  }

  std::shared_ptr<LocalGroup> group_;
  int rank_;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> NewLocalGroup(int size, const LocalOptions& options) {
  DEIT_CHECK(size >= 1 && (options.hosts.empty() || options.hosts.size() == static_cast<size_t>(size)), "a group of ", size);
  std::vector<std::string> hosts = options.hosts;
  if (hosts.empty()) hosts.assign(static_cast<size_t>(size), "localhost");
  std::vector<int> launch_ranks(static_cast<size_t>(size));
  std::iota(launch_ranks.begin(), launch_ranks.end(), 0);
  auto group = std::make_shared<LocalGroup>(std::move(hosts), std::move(launch_ranks), options);
  std::vector<std::unique_ptr<Communicator>> members;
  for (int rank = 0; rank < size; ++rank) members.push_back(std::make_unique<LocalCommunicator>(group, rank));
  return members;
}

}  // namespace deit::collective
