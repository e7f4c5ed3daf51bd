#include "worker/exchange/context.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace deit::exchange {
namespace {
constexpr int kOutputs = 32;  // a node's maximal subtrees: at most 2 log2(lanes) where its lanes are one run, lanes <= 4,096
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
  reports->Set(kStep, step);
  reports->Set(kPhase, static_cast<uint64_t>(phase));
  if (worker_progress != nullptr) worker_progress->Report(PhaseName(phase));
  AddPiece();
}

void Context::AddPiece() const {
  reports->AddPiece();
  if (worker_progress != nullptr) worker_progress->AddPiece();
}

std::string Context::LastReport(int worker) const {
  if (reports->Of(worker, kPieces) == 0) return "";
  const uint64_t phase = reports->Of(worker, kPhase);
  return absl::StrCat("last reported: step ", reports->Of(worker, kStep), ", phase ",
                      phase <= static_cast<uint64_t>(Phase::kEnd) ? PhaseName(static_cast<Phase>(phase)) : "unknown");
}

int Context::FurthestBehind(const std::vector<int>& workers) const {
  const auto place = [this](int w) { return std::pair(reports->Of(w, kStep), reports->Of(w, kPhase)); };
  return *std::min_element(workers.begin(), workers.end(), [&](int a, int b) { return place(a) < place(b); });
}

std::string Context::ReportOfLast() const {
  std::vector<int> all(static_cast<size_t>(plan->topology().workers()));
  std::iota(all.begin(), all.end(), 0);
  const int last = FurthestBehind(all);
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

Status CheckTags(const ExchangePlan& plan) {
  if (plan.topology().nodes() == 1) return absl::OkStatus();
  constexpr int kBuckets = kSubjects / kOutputs;
  if (plan.buckets() > kBuckets) {
    return WithHint(
        absl::InvalidArgumentError(absl::StrCat("model: ", plan.buckets(), " gradient buckets: between nodes at most ", kBuckets)),
        "run it on one host");
  }
  for (int node = 0; plan.order() == LaneOrder::kTree && node < plan.topology().nodes(); ++node) {
    const size_t sums = plan.NodeProgram(node).outputs.size();
    if (sums > kOutputs) {
      return absl::InvalidArgumentError(
          absl::StrCat("workers: ", sums, " sums of one host, at most ", kOutputs, ": its workers have no consecutive numbers"));
    }
  }
  return absl::OkStatus();
}

int GradientTag(int bucket, int output) {
  DEIT_CHECK(bucket < kSubjects / kOutputs && output < kOutputs, bucket, " ", output);
  return bucket * kOutputs + output;
}
int WeightTag(int bucket) { return kSubjects + bucket; }
int PayloadTag(int worker) { return 2 * kSubjects + worker; }
int HeadersTag() { return 3 * kSubjects - 1; }
int ReportTag() { return 3 * kSubjects - 2; }

}  // namespace deit::exchange
