#include "coordinator/supervise/worker_count.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace deit::supervise {

StatusOr<WorkerCount> CountWorkers(absl::string_view np, int lanes, int threads_per_worker, int cores) {
  WorkerCount count{.workers = 1, .min = 1, .max = lanes};
  const bool range = np.empty() || absl::StrContains(np, ':');
  if (range && !np.empty()) {
    const std::pair<absl::string_view, absl::string_view> bounds = absl::StrSplit(np, absl::MaxSplits(':', 1));
    if (!absl::SimpleAtoi(bounds.first, &count.min) || !absl::SimpleAtoi(bounds.second, &count.max)) count.min = 0;
  } else if (!range) {
    if (!absl::SimpleAtoi(np, &count.min)) count.min = 0;
    count.max = count.min;
  }
  if (count.min < 1 || count.max < count.min) {
    return WithHint(absl::InvalidArgumentError(absl::StrCat("--np: ", np, ": want N or MIN:MAX, both at least 1")), "--np=2, or --np=1:8");
  }
  if (count.min > lanes) {
    return WithHint(
        absl::InvalidArgumentError(absl::StrCat("--np: ", np, ": more workers than the job has lanes (train.lanes=", lanes, ")")),
        absl::StrCat("--np=", lanes, " at most; a job with more lanes has other weights"));
  }
  count.max = std::min(count.max, lanes);
  count.workers = range ? std::clamp(cores / std::max(1, threads_per_worker), count.min, count.max) : count.min;
  return count;
}

}  // namespace deit::supervise
