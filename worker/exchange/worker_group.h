// Worker group: the workers of one attempt and all components of their exchange.
#pragma once

#include <functional>
#include <memory>

#include "worker/exchange/context.h"
#include "worker/exchange/metadata_all_gather.h"
#include "worker/exchange/parameter_all_gather.h"
#include "worker/exchange/report_relay.h"

namespace deit::exchange {

struct WorkerGroupOptions {
  int lanes = 8;
  LaneOrder order = LaneOrder::kTree;
  int64_t statistics = 0;                                       // floats of batch statistics of one lane
  bool compute_copy = false;                                    // keep a bfloat16 copy of the weights
  bool gradients = true;                                        // keep gradient slots
  std::function<size_t(const ExchangePlan&)> payload_capacity;  // largest payload that any worker will send
  collective::Deadline deadline;                                // of each wait, without progress of the others
  update::ForEach for_each = update::OneAfterAnother;           // divides casts among threads
};

// One per worker; movable only by pointer. Weights and slots are zero at first.
class WorkerGroup {
 public:
  // Collective over `world`. Where a node's shared memory has no room for it, its workers exchange messages; the lowest such worker says so once.
  // InvalidArgument: more workers than lanes. `world` and `grid` outlive the team.
  static StatusOr<std::unique_ptr<WorkerGroup>> Create(collective::Communicator& world, const plan::Grid& grid,
                                                       const WorkerGroupOptions& options);

  Context& context() { return context_; }
  const ExchangePlan& plan() const { return *plan_; }
  NodeBuffers& memory() { return *memory_; }
  MetadataAllGather& gather() { return *gather_; }
  ParameterAllGather& parameter_all_gather() { return *parameter_all_gather_; }

  // As in agreement.h, but a worker that does not come is named, with what it reported last. Collective.
  Status Agree(const Status& mine, absl::string_view what);
  StatusOr<std::vector<uint64_t>> ShareNumbers(uint64_t mine, absl::string_view what);
  // Collective: each number becomes the sum of all workers'. `numbers` is equally long everywhere.
  Status SumNumbers(std::vector<int64_t>* numbers, absl::string_view what);

 private:
  WorkerGroup() = default;
  Status Gather(absl::string_view what, absl::Span<const std::byte> mine, absl::Span<std::byte> all);

  std::unique_ptr<ExchangePlan> plan_;
  std::unique_ptr<collective::Communicator> node_group_;       // null for a node of one
  std::unique_ptr<collective::Communicator> reduction_group_;  // null but for LaneOrder::kSequential
  std::unique_ptr<NodeBuffers> memory_;
  Context context_{};
  std::unique_ptr<MetadataAllGather> gather_;
  std::unique_ptr<ParameterAllGather> parameter_all_gather_;
  std::unique_ptr<WorkerReports> reports_;
  std::unique_ptr<ReportRelay> relay_;  // null with one node, and on others than a node's first worker
};

}  // namespace deit::exchange
