#include "worker/exchange/context.h"

#include <algorithm>
#include <utility>

namespace deit::exchange {
namespace {
constexpr int kOutputs = 32;  // a node's maximal subtrees: at most 2 log2(lanes), lanes <= 4,096
constexpr int kSubjects = 1 << 17;
static_assert(3 * kSubjects - 1 <= collective::kMaxTag / 2);  // the upper half is free: tests send a stamp with each message
}  // namespace

const char* PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kStart: return "start";
    case Phase::kData: return "data";
    case Phase::kCompute: return "compute";
    case Phase::kReduce: return "reduce";
    case Phase::kExchange: return "exchange";
    case Phase::kUpdate: return "update";
    case Phase::kGather: return "gather";
    case Phase::kEvaluate: return "evaluate";
    case Phase::kCheckpoint: return "checkpoint";
    case Phase::kEnd: return "end";
  }
  return "unknown";
}

void Context::Report(Phase phase) const {
  memory->flags().Set(member(), kStep, step);
  memory->flags().Set(member(), kPhase, static_cast<uint64_t>(phase));
  if (worker_progress != nullptr) worker_progress->Report(PhaseName(phase));
}

std::string Context::LastReport(int worker) const {
  if (plan->topology().node_of[static_cast<size_t>(worker)] != node()) return "";
  const int index = plan->topology().index_of[static_cast<size_t>(worker)];
  const uint64_t phase = memory->flags().Get(index, kPhase);
  return absl::StrCat("last reported: step ", memory->flags().Get(index, kStep), ", phase ",
                      phase <= static_cast<uint64_t>(Phase::kEnd) ? PhaseName(static_cast<Phase>(phase)) : "unknown");
}

std::string Context::ReportOfLast() const {
  int last = -1;
  std::pair<uint64_t, uint64_t> least;
  for (size_t k = 0; k < members().size(); ++k) {
    const int index = static_cast<int>(k);
    const std::pair<uint64_t, uint64_t> place(memory->flags().Get(index, kStep), memory->flags().Get(index, kPhase));
    if (last >= 0 && place >= least) continue;
    last = members()[k];
    least = place;
  }
  return last == worker() ? "" : absl::StrCat("worker ", last, " ", LastReport(last));
}

int Context::FirstBelow(Flag flag, uint64_t value) const {
  for (size_t k = 0; k < members().size(); ++k) {
    if (memory->flags().Get(static_cast<int>(k), flag) < value) return members()[k];
  }
  return -1;
}

Status Context::AwaitMembers(Flag flag, uint64_t value, absl::string_view what) const {
  return collective::WaitUntil(
      [&]() -> StatusOr<bool> { return FirstBelow(flag, value) < 0; }, deadline,
      [&] {
        const int late = FirstBelow(flag, value);
        return collective::WaitDescription{absl::StrCat("worker ", late, " did not ", what, " of step ", step), LastReport(late)};
      });
}

int GradientTag(int bucket, int output) {
  DEIT_CHECK(bucket < kSubjects / kOutputs && output < kOutputs, bucket, " ", output);
  return bucket * kOutputs + output;
}
int WeightTag(int bucket) { return kSubjects + bucket; }
int PayloadTag(int worker) { return 2 * kSubjects + worker; }

}  // namespace deit::exchange
