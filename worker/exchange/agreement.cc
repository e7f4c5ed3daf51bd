#include "worker/exchange/agreement.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/base/exit_code.h"

namespace deit::exchange {
namespace {

using collective::Buffer;
using collective::ElementType;

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

Status AllGather(collective::Communicator& world, collective::Deadline deadline, const void* mine, void* all, size_t bytes, absl::string_view what) {
  const std::vector<size_t> counts(static_cast<size_t>(world.size()), bytes);
  std::memcpy(static_cast<std::byte*>(all) + static_cast<size_t>(world.rank()) * bytes, mine, bytes);
  const Buffer input{static_cast<std::byte*>(all) + static_cast<size_t>(world.rank()) * bytes, bytes, ElementType::kUint8};
  const Buffer output{all, bytes * counts.size(), ElementType::kUint8};
  DEIT_ASSIGN_OR_RETURN(auto transfer, world.AllGather(input, counts, output));
  return collective::Wait(*transfer, deadline, [&] { return collective::Awaited{absl::StrCat("a peer did not come to ", what), ""}; });
}

}  // namespace

Status Agree(collective::Communicator& world, collective::Deadline deadline, const Status& mine, absl::string_view what) {
  if (world.size() == 1) return mine;
  Message message;
  if (!mine.ok()) {
    message.code = static_cast<int32_t>(mine.code());
    message.exit_code = static_cast<int32_t>(ExitCodeOf(mine));
    Put(mine.message(), &message.text);
    Put(HintOf(mine), &message.hint);
  }
  std::vector<Message> all(static_cast<size_t>(world.size()));
  DEIT_RETURN_IF_ERROR(AllGather(world, deadline, &message, all.data(), sizeof(Message), what));
  for (size_t w = 0; w < all.size(); ++w) {
    if (all[w].code == 0) continue;
    Status status(static_cast<absl::StatusCode>(all[w].code), absl::StrCat("worker ", w, ": ", all[w].text.data()));
    status = WithExitCode(std::move(status), static_cast<ExitCode>(all[w].exit_code));
    return all[w].hint[0] ? WithHint(std::move(status), all[w].hint.data()) : status;
  }
  return absl::OkStatus();
}

StatusOr<std::vector<uint64_t>> ShareNumbers(collective::Communicator& world, collective::Deadline deadline, uint64_t mine, absl::string_view what) {
  std::vector<uint64_t> all(static_cast<size_t>(world.size()), mine);
  if (world.size() > 1) DEIT_RETURN_IF_ERROR(AllGather(world, deadline, &mine, all.data(), sizeof(mine), what));
  return all;
}

}  // namespace deit::exchange
