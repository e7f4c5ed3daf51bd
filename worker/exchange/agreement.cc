#include "worker/exchange/agreement.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "common/base/exit_code.h"

namespace deit::exchange {
namespace {

using collective::ElementType;

constexpr absl::string_view kAgreedUrl = "deit/agreed_failure_of";

// A status as it travels.
struct Message {
  int32_t code = 0, exit_code = 0;
  std::array<char, 2048> text{};
  std::array<char, 512> hint{};
};

template <size_t N>
void Put(absl::string_view text, std::array<char, N>* into) {
  std::copy_n(text.data(), std::min(text.size(), N - 1), into->data());
}

static_assert(sizeof(Message) == kAgreementBytes);

Status GatherIn(collective::Communicator& world, collective::Deadline deadline, absl::string_view what, absl::Span<const std::byte> mine,
                absl::Span<std::byte> all) {
  const std::vector<size_t> counts(static_cast<size_t>(world.size()), mine.size());
  std::byte* const own = all.data() + static_cast<size_t>(world.rank()) * mine.size();
  std::memcpy(own, mine.data(), mine.size());
  DEIT_ASSIGN_OR_RETURN(auto transfer,
                        world.AllGather({own, mine.size(), ElementType::kUint8}, counts, {all.data(), all.size(), ElementType::kUint8}));
  return collective::Wait(*transfer, deadline, [&] {
    return collective::WaitDescription{absl::StrCat("a peer did not come to ", what), ""};
  });
}

template <typename T>
StatusOr<std::vector<T>> Collect(Gather gather, int workers, const T& mine) {
  std::vector<T> all(static_cast<size_t>(workers), mine);
  if (workers == 1) return all;
  DEIT_RETURN_IF_ERROR(gather(absl::MakeConstSpan(reinterpret_cast<const std::byte*>(&mine), sizeof(T)),
                              absl::MakeSpan(reinterpret_cast<std::byte*>(all.data()), sizeof(T) * all.size())));
  return all;
}

}  // namespace

Status AsAgreed(Status status, int worker) {
  status.SetPayload(kAgreedUrl, absl::Cord(absl::StrCat(worker)));
  return status;
}

Status Agree(Gather gather, int worker, int workers, const Status& mine) {
  if (workers == 1) return mine.ok() ? mine : AsAgreed(mine);
  Message message;
  if (!mine.ok()) {
    message.code = static_cast<int32_t>(mine.code());
    message.exit_code = static_cast<int32_t>(ExitCodeOf(mine));
    Put(mine.message(), &message.text);
    Put(HintOf(mine), &message.hint);
  }
  DEIT_ASSIGN_OR_RETURN(const std::vector<Message> all, Collect(gather, workers, message));
  for (int w = 0; w < workers; ++w) {
    const Message& told = all[static_cast<size_t>(w)];
    if (told.code == 0) continue;
    if (w == worker) return AsAgreed(mine, w);
    Status status(static_cast<absl::StatusCode>(told.code), absl::StrCat("worker ", w, ": ", told.text.data()));
    status = WithExitCode(std::move(status), static_cast<ExitCode>(told.exit_code));
    if (told.hint[0]) status = WithHint(std::move(status), told.hint.data());
    return AsAgreed(std::move(status), w);
  }
  return absl::OkStatus();
}

StatusOr<std::vector<uint64_t>> ShareNumbers(Gather gather, int workers, uint64_t mine) { return Collect(gather, workers, mine); }

Status Agree(collective::Communicator& world, collective::Deadline deadline, const Status& mine, absl::string_view what) {
  const auto gather = [&](absl::Span<const std::byte> own, absl::Span<std::byte> all) { return GatherIn(world, deadline, what, own, all); };
  return Agree(gather, world.rank(), world.size(), mine);
}

StatusOr<std::vector<uint64_t>> ShareNumbers(collective::Communicator& world, collective::Deadline deadline, uint64_t mine,
                                             absl::string_view what) {
  const auto gather = [&](absl::Span<const std::byte> own, absl::Span<std::byte> all) { return GatherIn(world, deadline, what, own, all); };
  return ShareNumbers(gather, world.size(), mine);
}

std::optional<int> AgreedFailureOf(const Status& status) {
  const auto payload = status.GetPayload(kAgreedUrl);
  int worker = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &worker)) return std::nullopt;
  return worker;
}

}  // namespace deit::exchange
