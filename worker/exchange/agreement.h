// Collective agreement on one outcome: all workers act alike, no matter which of them failed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "worker/collective/communicator.h"
#include "worker/collective/wait.h"

namespace deit::exchange {

// Collective. OK if every worker's status is; else the failure of the lowest worker on all: that worker gets its own status back, the
// others one with its code, exit code and hint, prefixed "worker K" (texts beyond 2 KiB are cut). `what` names the wait.
Status Agree(collective::Communicator& world, collective::Deadline deadline, const Status& mine, absl::string_view what);

// Collective: everybody's number, by worker.
StatusOr<std::vector<uint64_t>> ShareNumbers(collective::Communicator& world, collective::Deadline deadline, uint64_t mine,
                                             absl::string_view what);

// The same through any way in which everybody's bytes get to everybody: all is workers * mine bytes, by worker.
using Gather = absl::FunctionRef<Status(absl::Span<const std::byte> mine, absl::Span<std::byte> all)>;
inline constexpr size_t kAgreementBytes = 2568;
Status Agree(Gather gather, int worker, int workers, const Status& mine);
StatusOr<std::vector<uint64_t>> ShareNumbers(Gather gather, int workers, uint64_t mine);

// Marks a failure that all workers have come to alike, without telling each other: `worker` says it for all.
Status AsAgreed(Status status, int worker = 0);

// Whose failure a status that Agree returned is: all workers know of it, and this one can say it for all. Nothing for other failures.
std::optional<int> AgreedFailureOf(const Status& status);

}  // namespace deit::exchange
