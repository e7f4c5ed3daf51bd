#include "tests/support/faulty_communicator.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "common/base/clock.h"

namespace deit::testing {
namespace {

using collective::Buffer;
using collective::Communicator;
using collective::ElementType;
using collective::SharedMemory;
using collective::Transfer;

constexpr int kStampTags = (collective::kMaxTag + 1) / 2;  // a message's stamp travels under its tag + this

uint64_t NowNanoseconds() { return static_cast<uint64_t>(absl::ToInt64Nanoseconds(Clock::System().Elapsed())); }

class LostTransfer final : public Transfer {
 public:
  StatusOr<bool> Test() override { return true; }
};

// Finished when `data` and `stamps` are, and `delay` has passed since the last stamp.
class DelayedTransfer final : public Transfer {
 public:
  DelayedTransfer(size_t senders, absl::Duration delay) : times_(senders), delay_(delay) {}

  StatusOr<bool> Test() override {
    DEIT_ASSIGN_OR_RETURN(const bool data_done, data->Test());
    DEIT_ASSIGN_OR_RETURN(const bool stamps_done, stamps->Test());
    if (!data_done || !stamps_done) return false;
    const uint64_t sent = *std::max_element(times_.begin(), times_.end());
    return NowNanoseconds() >= sent + static_cast<uint64_t>(absl::ToInt64Nanoseconds(delay_));
  }

  Buffer stamp_buffer() { return {.data = times_.data(), .count = times_.size(), .type = ElementType::kUint64}; }

 private:
  std::vector<uint64_t> times_;
  absl::Duration delay_;

 public:
  std::unique_ptr<Transfer> data;  // declared behind the times that they write
  std::unique_ptr<Transfer> stamps;
};

// A message and its stamp, sent at once: the sender sees no delay.
class StampedSend final : public Transfer {
 public:
  StatusOr<bool> Test() override {
    DEIT_ASSIGN_OR_RETURN(const bool data_done, data->Test());
    DEIT_ASSIGN_OR_RETURN(const bool stamp_done, stamp->Test());
    return data_done && stamp_done;
  }

  uint64_t time = NowNanoseconds();
  std::unique_ptr<Transfer> data;
  std::unique_ptr<Transfer> stamp;
};

class FaultyCommunicator final : public Communicator {
 public:
  FaultyCommunicator(std::unique_ptr<Communicator> inner, const Faults& faults) : inner_(std::move(inner)), faults_(faults) {}

  int rank() const override { return inner_->rank(); }
  int size() const override { return inner_->size(); }
  const std::vector<std::string>& hosts() const override { return inner_->hosts(); }
  const std::vector<int>& launch_ranks() const override { return inner_->launch_ranks(); }

  StatusOr<std::unique_ptr<Transfer>> Send(Buffer buffer, int peer, int tag) override {
    const std::vector<int>& lost = faults_.unreachable;
    if (std::find(lost.begin(), lost.end(), peer) != lost.end()) return std::make_unique<LostTransfer>();
    auto send = std::make_unique<StampedSend>();
    DEIT_ASSIGN_OR_RETURN(send->data, inner_->Send(buffer, peer, tag));
    DEIT_ASSIGN_OR_RETURN(send->stamp,
                          inner_->Send({.data = &send->time, .count = 1, .type = ElementType::kUint64}, peer, tag + kStampTags));
    return send;
  }

  StatusOr<std::unique_ptr<Transfer>> Receive(Buffer buffer, int peer, int tag) override {
    auto receive = std::make_unique<DelayedTransfer>(1, tag < faults_.first_prompt_tag ? faults_.delay : absl::ZeroDuration());
    DEIT_ASSIGN_OR_RETURN(receive->data, inner_->Receive(buffer, peer, tag));
    DEIT_ASSIGN_OR_RETURN(receive->stamps, inner_->Receive(receive->stamp_buffer(), peer, tag + kStampTags));
    return receive;
  }

  StatusOr<std::unique_ptr<Transfer>> AllReduce(Buffer buffer) override { return Delayed(inner_->AllReduce(buffer)); }
  StatusOr<std::unique_ptr<Transfer>> ReduceScatter(Buffer input, const std::vector<size_t>& counts, Buffer output) override {
    return Delayed(inner_->ReduceScatter(input, counts, output));
  }
  StatusOr<std::unique_ptr<Transfer>> AllGather(Buffer input, const std::vector<size_t>& counts, Buffer output) override {
    return Delayed(inner_->AllGather(input, counts, output));
  }

  StatusOr<std::unique_ptr<Communicator>> Subgroup(const std::vector<int>& members, std::string_view name) override {
    DEIT_ASSIGN_OR_RETURN(std::unique_ptr<Communicator> group, inner_->Subgroup(members, name));
    Faults faults = {.delay = faults_.delay, .unreachable = {}, .first_prompt_tag = faults_.first_prompt_tag};
    for (size_t index = 0; index < members.size(); ++index) {
      const std::vector<int>& lost = faults_.unreachable;
      if (std::find(lost.begin(), lost.end(), members[index]) != lost.end()) faults.unreachable.push_back(static_cast<int>(index));
    }
    return NewFaultyCommunicator(std::move(group), faults);
  }

  StatusOr<std::unique_ptr<SharedMemory>> Share(size_t bytes) override { return inner_->Share(bytes); }

 private:
  StatusOr<std::unique_ptr<Transfer>> Delayed(StatusOr<std::unique_ptr<Transfer>> started) {
    DEIT_RETURN_IF_ERROR(started.status());
    const size_t members = static_cast<size_t>(size());
    auto delayed = std::make_unique<DelayedTransfer>(members, faults_.delay);
    delayed->data = *std::move(started);
    const Buffer stamps = delayed->stamp_buffer();
    uint64_t* own = static_cast<uint64_t*>(stamps.data) + rank();
    *own = NowNanoseconds();
    DEIT_ASSIGN_OR_RETURN(delayed->stamps, inner_->AllGather({.data = own, .count = 1, .type = ElementType::kUint64},
                                                             std::vector<size_t>(members, 1), stamps));
    return delayed;
  }

  std::unique_ptr<Communicator> inner_;
  Faults faults_;
};

}  // namespace

std::unique_ptr<Communicator> NewFaultyCommunicator(std::unique_ptr<Communicator> inner, const Faults& faults) {
  return std::make_unique<FaultyCommunicator>(std::move(inner), faults);
}

}  // namespace deit::testing
