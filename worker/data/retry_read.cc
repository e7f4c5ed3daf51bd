#include "worker/data/retry_read.h"

#include <algorithm>

namespace deit::data {
namespace {

constexpr absl::Duration kFirstNap = absl::Milliseconds(50);
constexpr absl::Duration kLongestNap = absl::Seconds(2);

}  // namespace

bool MayPass(const Status& status) { return absl::IsInternal(status) || absl::IsResourceExhausted(status); }

Status RetryRead(absl::Duration limit, absl::FunctionRef<Status()> read, Clock& clock) {
  const absl::Duration start = clock.Elapsed();
  for (absl::Duration nap = kFirstNap;; nap = std::min(2 * nap, kLongestNap)) {
    const Status status = read();
    if (status.ok() || !MayPass(status)) return status;
    const absl::Duration tried = clock.Elapsed() - start;
    if (tried + nap > limit) {
      return Status(status.code(), absl::StrCat(status.message(), " (tried again for ",
                                                absl::FormatDuration(absl::Trunc(tried, absl::Milliseconds(1))), ")"));
    }
    clock.Sleep(nap);
  }
}

}  // namespace deit::data
