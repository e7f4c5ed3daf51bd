#include "tests/worker/collective/communicator_cases.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "worker/collective/flags.h"
#include "worker/collective/wait.h"

namespace deit::testing {
namespace {

using collective::Buffer;
using collective::Communicator;
using collective::Deadline;
using collective::ElementType;
using collective::FlagBoard;
using collective::SharedMemory;
using collective::Transfer;
using collective::WaitDescription;

const Deadline kSoon = {absl::Seconds(20)};

void MustFinish(const StatusOr<std::unique_ptr<Transfer>>& transfer) {
  ASSERT_TRUE(transfer.ok()) << transfer.status();
  const Status status = Wait(**transfer, kSoon, [] { return WaitDescription{"a test's transfer did not finish", ""}; });
  EXPECT_TRUE(status.ok()) << status;
}

void JoinOp(Communicator& group) {
  uint8_t here = 1;
  MustFinish(group.AllReduce({.data = &here, .count = 1}));
  EXPECT_EQ(here, group.size());
}

template <typename T>
Buffer BufferOf(std::vector<T>& values, ElementType type) {
  return {.data = values.data(), .count = values.size(), .type = type};
}

std::vector<uint8_t> Pattern(size_t bytes, int seed) {
  std::vector<uint8_t> pattern(bytes);
  for (size_t i = 0; i < bytes; ++i) pattern[i] = static_cast<uint8_t>(i * 31 + i / 251 + static_cast<size_t>(seed) * 17);
  return pattern;
}

// A ring in which everybody sends to the right: every size arrives whole.
void CarriesEverySize(Communicator& group) {
  const int right = (group.rank() + 1) % group.size();
  const int left = (group.rank() + group.size() - 1) % group.size();
  int tag = 0;
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{7}, size_t{4096}, size_t{65537}, size_t{1} << 20, size_t{8} << 20}) {
    std::vector<uint8_t> outgoing = Pattern(bytes, group.rank());
    std::vector<uint8_t> incoming(bytes, 0xEE);
    const auto receive = group.Receive(BufferOf(incoming, ElementType::kUint8), left, tag);
    const auto send = group.Send(BufferOf(outgoing, ElementType::kUint8), right, tag);
    MustFinish(receive);
    MustFinish(send);
    EXPECT_TRUE(incoming == Pattern(bytes, left)) << bytes << " bytes";
    ++tag;
  }
}

// Messages of one tag arrive in the order of sending; another tag's receive is not disturbed by them.
void MatchesByTagInOrder(Communicator& group) {
  constexpr size_t kMessages = 20;
  const int right = (group.rank() + 1) % group.size();
  const int left = (group.rank() + group.size() - 1) % group.size();
  std::vector<uint64_t> sent(kMessages + 1), received(kMessages + 1);
  std::iota(sent.begin(), sent.end(), uint64_t{100} * static_cast<uint64_t>(group.rank()));
  std::vector<StatusOr<std::unique_ptr<Transfer>>> transfers;
  const auto word = [](uint64_t& value) { return Buffer{.data = &value, .count = 1, .type = ElementType::kUint64}; };
  transfers.push_back(group.Receive(word(received[kMessages]), left, 9));
  for (size_t i = 0; i < kMessages; ++i) transfers.push_back(group.Receive(word(received[i]), left, 5));
  for (size_t i = 0; i < kMessages; ++i) transfers.push_back(group.Send(word(sent[i]), right, 5));
  transfers.push_back(group.Send(word(sent[kMessages]), right, 9));
  for (const auto& transfer : transfers) MustFinish(transfer);
  for (size_t i = 0; i <= kMessages; ++i) EXPECT_EQ(received[i], 100 * static_cast<uint64_t>(left) + i);
}

void RefusesAMessageOfAnotherSize(Communicator& group) {
  const int right = (group.rank() + 1) % group.size();
  const int left = (group.rank() + group.size() - 1) % group.size();
  std::vector<float> three(3), four(4);
  const auto receive = group.Receive(BufferOf(four, ElementType::kFloat32), left, 1);
  const auto send = group.Send(BufferOf(three, ElementType::kFloat32), right, 1);
  ASSERT_TRUE(receive.ok() && send.ok());
  const Status status = Wait(**receive, kSoon, [] { return WaitDescription{"nothing came", ""}; });
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  MustFinish(send);
}

void RefusesWhatCannotBe(Communicator& group) {
  float value = 0;
  const Buffer good = {.data = &value, .count = 1, .type = ElementType::kFloat32};
  const auto code = [](const auto& result) { return result.status().code(); };
  EXPECT_EQ(code(group.Send(good, group.size(), 0)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(group.Send(good, -1, 0)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(group.Receive(good, 0, -1)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(group.Receive(good, 0, collective::kMaxTag + 1)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(group.Send({.data = nullptr, .count = 1}, 0, 0)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(group.Send({.data = &value, .count = collective::kMaxCount + 1}, 0, 0)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(group.AllReduce({.data = &value, .count = 1, .memory = collective::Memory::kCuda})), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(group.AllGather(good, {}, good)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(group.Subgroup({}, "none")), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(group.Subgroup({group.rank(), group.rank()}, "twice")), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(group.Subgroup({group.rank(), group.size()}, "outside")), absl::StatusCode::kInvalidArgument);
}

void SumsEveryType(Communicator& group) {
  const uint64_t expected = static_cast<uint64_t>(group.size() * (group.size() + 1) / 2);
  const uint64_t own = static_cast<uint64_t>(group.rank()) + 1;
  std::vector<uint8_t> bytes(3, static_cast<uint8_t>(own));
  std::vector<uint64_t> words(100'000, own << 33);
  std::vector<float> floats(100'000, static_cast<float>(own) / 4);
  const auto bfloat16 = [](float value) {
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return static_cast<uint16_t>(bits >> 16);
  };
  std::vector<uint16_t> halves(1000, bfloat16(static_cast<float>(own) / 4));
  MustFinish(group.AllReduce(BufferOf(bytes, ElementType::kUint8)));
  MustFinish(group.AllReduce(BufferOf(words, ElementType::kUint64)));
  MustFinish(group.AllReduce(BufferOf(floats, ElementType::kFloat32)));
  MustFinish(group.AllReduce(BufferOf(halves, ElementType::kBFloat16)));
  EXPECT_EQ(bytes, std::vector<uint8_t>(3, static_cast<uint8_t>(expected)));
  EXPECT_EQ(words, std::vector<uint64_t>(100'000, expected << 33));
  EXPECT_EQ(floats, std::vector<float>(100'000, static_cast<float>(expected) / 4));
  EXPECT_EQ(halves, std::vector<uint16_t>(1000, bfloat16(static_cast<float>(expected) / 4)));
}

// Rank r's part has 1,000 r + 1 elements; with unequal parts in flight together.
void ScattersSumsAndGathersParts(Communicator& group) {
  const size_t size = static_cast<size_t>(group.size()), rank = static_cast<size_t>(group.rank());
  std::vector<size_t> counts(size), offsets(size);
  for (size_t r = 0; r < size; ++r) counts[r] = 1000 * r + 1;
  std::exclusive_scan(counts.begin(), counts.end(), offsets.begin(), size_t{0});
  std::vector<float> whole(offsets.back() + counts.back());
  for (size_t i = 0; i < whole.size(); ++i) whole[i] = static_cast<float>(i * (rank + 1));
  std::vector<float> part(counts[rank]), gathered(whole.size()), in_place(whole.size());
  const auto scatter = group.ReduceScatter(BufferOf(whole, ElementType::kFloat32), counts, BufferOf(part, ElementType::kFloat32));
  MustFinish(scatter);

  std::copy(part.begin(), part.end(), in_place.begin() + static_cast<std::ptrdiff_t>(offsets[rank]));
  const Buffer own = {.data = in_place.data() + offsets[rank], .count = counts[rank], .type = ElementType::kFloat32};
  const auto first = group.AllGather(BufferOf(part, ElementType::kFloat32), counts, BufferOf(gathered, ElementType::kFloat32));
  const auto second = group.AllGather(own, counts, BufferOf(in_place, ElementType::kFloat32));
  MustFinish(second);
  MustFinish(first);
  const size_t factor = size * (size + 1) / 2;
  for (size_t i = 0; i < whole.size(); ++i) ASSERT_EQ(gathered[i], static_cast<float>(i * factor)) << i;
  EXPECT_EQ(gathered, in_place);
}

// Even ranks form one group, odd ranks another, at the same time; then all once more under the same name.
void FormsSubgroups(Communicator& group) {
  std::vector<int> members;
  for (int rank = group.rank() % 2; rank < group.size(); rank += 2) members.push_back(rank);
  for (int round = 0; round < 2; ++round) {
    const auto subgroup = group.Subgroup(members, "same parity");
    ASSERT_TRUE(subgroup.ok()) << subgroup.status();
    EXPECT_EQ((*subgroup)->size(), static_cast<int>(members.size()));
    EXPECT_EQ((*subgroup)->rank(), group.rank() / 2);
    EXPECT_EQ((*subgroup)->hosts().size(), members.size());
    uint64_t sum = static_cast<uint64_t>(group.rank());
    MustFinish((*subgroup)->AllReduce({.data = &sum, .count = 1, .type = ElementType::kUint64}));
    EXPECT_EQ(sum, static_cast<uint64_t>(std::accumulate(members.begin(), members.end(), 0)));
  }
}

void KnowsItsHosts(Communicator& group) {
  ASSERT_EQ(group.hosts().size(), static_cast<size_t>(group.size()));
  for (const std::string& host : group.hosts()) EXPECT_EQ(host, group.hosts().front());
  EXPECT_FALSE(group.hosts().front().empty());
}

// Each part is zero at first, page-aligned, and seen by all; flags order what is written before them.
void SharesMemory(Communicator& group) {
  constexpr size_t kValues = 50'000;
  const auto bytes_of = [](int rank) { return FlagBoard::BytesPerRow(2) + (kValues + static_cast<size_t>(rank)) * sizeof(uint64_t); };
  const StatusOr<std::unique_ptr<SharedMemory>> shared = group.Share(bytes_of(group.rank()));
  ASSERT_TRUE(shared.ok()) << shared.status();
  const SharedMemory& memory = **shared;
  std::vector<std::byte*> rows;
  for (int rank = 0; rank < group.size(); ++rank) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.base(rank)) % 4096, 0U);
    EXPECT_EQ(memory.bytes(rank), bytes_of(rank));
    rows.push_back(memory.base(rank));
  }
  const auto values = [&](int rank) { return reinterpret_cast<uint64_t*>(memory.base(rank) + FlagBoard::BytesPerRow(2)); };
  for (size_t i = 0; i < kValues; ++i) ASSERT_EQ(values(group.rank())[i], 0U);
  FlagBoard flags(rows, 2);
  for (uint64_t step = 1; step <= 20; ++step) {
    for (size_t i = 0; i < kValues; i += 500) values(group.rank())[i] = step * (i + 1) + static_cast<uint64_t>(group.rank());
    flags.Set(group.rank(), 0, step);
    for (int rank = 0; rank < group.size(); ++rank) {
      ASSERT_TRUE(flags.WaitAtLeast(rank, 0, step, kSoon, [] { return WaitDescription{"no flag", ""}; }).ok());
      for (size_t i = 0; i < kValues; i += 500) ASSERT_EQ(values(rank)[i], step * (i + 1) + static_cast<uint64_t>(rank));
    }
    flags.Set(group.rank(), 1, step);  // done reading
    for (int rank = 0; rank < group.size(); ++rank) {
      ASSERT_TRUE(flags.WaitAtLeast(rank, 1, step, kSoon, [] { return WaitDescription{"no flag", ""}; }).ok());
    }
  }
  JoinOp(group);
}

// More than the address space holds: everybody hears no, and goes on.
void RefusesTooMuchMemoryOnAllAlike(Communicator& group) {
  const size_t impossible = size_t{1} << 55;
  const auto shared = group.Share(group.rank() == group.size() - 1 ? impossible : 4096);
  EXPECT_EQ(shared.status().code(), absl::StatusCode::kResourceExhausted) << shared.status();
  const auto again = group.Share(4096);
  EXPECT_TRUE(again.ok()) << again.status();
  JoinOp(group);
}

// No worker sends: the receive is given up at its deadline, and withdrawn, so that a later message finds the later receive.
void GivesUpOnASilentPeer(Communicator& group) {
  const int left = (group.rank() + group.size() - 1) % group.size(), right = (group.rank() + 1) % group.size();
  uint64_t lost = 0, found = 0, value = 7;
  {
    const auto receive = group.Receive({.data = &lost, .count = 1, .type = ElementType::kUint64}, left, 3);
    ASSERT_TRUE(receive.ok());
    const Status status = Wait(**receive, {absl::Milliseconds(100)}, [&] {
      return WaitDescription{absl::StrCat("worker ", left, " did not deliver bucket 3 of step 12"), "last reported: step 11, phase update"};
    });
    EXPECT_EQ(status.message(),
              absl::StrCat("worker ", left, " did not deliver bucket 3 of step 12 within 100ms (last reported: step 11, phase update)"));
  }
  JoinOp(group);
  const auto receive = group.Receive({.data = &found, .count = 1, .type = ElementType::kUint64}, left, 3);
  const auto send = group.Send({.data = &value, .count = 1, .type = ElementType::kUint64}, right, 3);
  MustFinish(receive);
  MustFinish(send);
  EXPECT_EQ(found, 7U);
  EXPECT_EQ(lost, 0U);
}

}  // namespace

const std::vector<CommunicatorCase>& CommunicatorCases() {
  static const std::vector<CommunicatorCase> cases = {
      {"CarriesEverySize", CarriesEverySize},
      {"MatchesByTagInOrder", MatchesByTagInOrder},
      {"RefusesAMessageOfAnotherSize", RefusesAMessageOfAnotherSize},
      {"RefusesWhatCannotBe", RefusesWhatCannotBe},
      {"SumsEveryType", SumsEveryType},
      {"ScattersSumsAndGathersParts", ScattersSumsAndGathersParts},
      {"FormsSubgroups", FormsSubgroups},
      {"KnowsItsHosts", KnowsItsHosts},
      {"SharesMemory", SharesMemory},
      {"RefusesTooMuchMemoryOnAllAlike", RefusesTooMuchMemoryOnAllAlike},
      {"GivesUpOnASilentPeer", GivesUpOnASilentPeer},
  };
  return cases;
}

}  // namespace deit::testing
