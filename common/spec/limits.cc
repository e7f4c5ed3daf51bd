#include "common/spec/limits.h"

#include <algorithm>

namespace deit::spec {
namespace {

constexpr absl::Duration kOwnersSlack = absl::Seconds(10);

}  // namespace

absl::Duration OwnersStallLimit(const v1::FaultSpec& fault) { return absl::Seconds(fault.stall_timeout()) + kOwnersSlack; }

absl::Duration StopLimit(const v1::FaultSpec& fault) { return absl::Seconds(fault.stop_grace() + fault.stall_timeout()) + kOwnersSlack; }

std::vector<Limit> LimitsOf(const v1::JobSpec& job) {
  const v1::FaultSpec& fault = job.fault();
  std::vector<Limit> limits = {
      {absl::Seconds(fault.stop_grace()), "fault.stop_grace",
       "from a request to stop until the state is saved: a step that does not fit is given up"},
      {absl::Seconds(fault.silence_timeout()), "fault.silence_timeout",
       "a worker has not sent a heartbeat (or for 2.5 of its steps): deit-coord kills the attempt"},
      {absl::Seconds(fault.read_retry()), "fault.read_retry", "an image that cannot be read is tried again"},
      {absl::Seconds(fault.start_timeout()), "fault.start_timeout", "until every worker of an attempt has introduced itself to deit-coord"},
      {absl::Seconds(fault.stall_timeout()), "fault.stall_timeout",
       "no piece of work of any other worker: the waiting worker ends the attempt"},
      {OwnersStallLimit(fault), "fault.stall_timeout + 10", "no piece of work of any worker: deit-coord kills the attempt"},
      {StopLimit(fault), "fault.stop_grace + fault.stall_timeout + 10", "a stop was requested and the attempt lives: deit-coord kills it"},
      {absl::Seconds(fault.phase_timeout()), "fault.phase_timeout",
       "no piece of work of any worker while one lists data, reads weights, builds the model or saves: the attempt ends"},
  };
  std::stable_sort(limits.begin(), limits.end(), [](const Limit& a, const Limit& b) { return a.length < b.length; });
  return limits;
}

}  // namespace deit::spec
