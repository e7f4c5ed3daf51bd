#include "worker/exchange/worker_group.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>

#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "worker/exchange/agreement.h"

namespace deit::exchange {
namespace {

NodeBufferLayout LayoutFor(const ExchangePlan& plan, const plan::Grid& grid, const WorkerGroupOptions& options, int worker) {
  NodeBufferLayout layout;
  layout.elements = grid.elements();
  layout.statistics = options.statistics;
  layout.compute_copy = options.compute_copy;
  layout.payload_capacity = std::max(options.payload_capacity(plan), kAgreementBytes) + sizeof(PayloadHeader);
  layout.workers = plan.topology().workers();
  const int node = plan.topology().node_of[static_cast<size_t>(worker)];
  for (int w : plan.topology().members[static_cast<size_t>(node)])
    layout.slots.push_back(options.gradients ? plan.AccumulationOf(w).slots : 0);
  return layout;
}

// Whether `worker` is the lowest whose number is not zero.
bool IsFirst(const std::vector<uint64_t>& numbers, int worker) {
  return std::find_if(numbers.begin(), numbers.end(), [](uint64_t n) { return n != 0; }) - numbers.begin() == worker;
}

}  // namespace

StatusOr<std::unique_ptr<WorkerGroup>> WorkerGroup::Create(collective::Communicator& world, const plan::Grid& grid,
                                                           const WorkerGroupOptions& options) {
  if (world.size() > options.lanes) {
    const Status too_many = absl::InvalidArgumentError(absl::StrCat("workers: ", world.size(), ": more than train.lanes, ", options.lanes));
    return exchange::Agree(world, options.deadline,
                           WithHint(too_many, absl::StrCat("start at most ", options.lanes, " workers, or give a new job more lanes")),
                           "comparing workers and lanes");
  }
  auto worker_group = std::unique_ptr<WorkerGroup>(new WorkerGroup);
  const int worker = world.rank();
  const auto plan_with = [&](const std::vector<bool>& shares) {
    return std::make_unique<ExchangePlan>(grid, options.lanes, options.order, MakeTopology(world.hosts(), shares));
  };
  std::vector<bool> shares(static_cast<size_t>(world.size()), true);
  worker_group->plan_ = plan_with(shares);
  DEIT_RETURN_IF_ERROR(exchange::Agree(world, options.deadline, CheckTags(*worker_group->plan_), "planning the exchange"));
  const auto members =
      worker_group->plan_->topology().members[static_cast<size_t>(worker_group->plan_->topology().node_of[static_cast<size_t>(worker)])];
  if (members.size() > 1) {
    DEIT_ASSIGN_OR_RETURN(worker_group->node_group_, world.Subgroup(members, "node"));
  }
  if (options.order == LaneOrder::kSequential) {
    std::vector<int> all(static_cast<size_t>(world.size()));
    std::iota(all.begin(), all.end(), 0);
    DEIT_ASSIGN_OR_RETURN(worker_group->reduction_group_, world.Subgroup(all, "reduction"));
  }
  auto memory = NodeBuffers::Create(worker_group->node_group_.get(), LayoutFor(*worker_group->plan_, grid, options, worker));
  const bool no_room = !memory.ok() && absl::IsResourceExhausted(memory.status()) && worker_group->node_group_;
  DEIT_RETURN_IF_ERROR(exchange::Agree(world, options.deadline, no_room ? absl::OkStatus() : memory.status(), "setting up memory"));
  DEIT_ASSIGN_OR_RETURN(const auto without, exchange::ShareNumbers(world, options.deadline, no_room, "setting up memory"));
  bool all_share = true;
  for (size_t w = 0; w < without.size(); ++w) {
    shares[w] = without[w] == 0;
    all_share = all_share && shares[w];
  }
  if (!all_share) {
    worker_group->plan_ = plan_with(shares);
    if (no_room) {
      if (IsFirst(without, worker))
        LogWarning(absl::StrCat("shared memory has no room, workers exchange messages instead: ", memory.status().message()));
      worker_group->node_group_.reset();
      memory = NodeBuffers::Create(nullptr, LayoutFor(*worker_group->plan_, grid, options, worker));
    }
    DEIT_RETURN_IF_ERROR(exchange::Agree(world, options.deadline, memory.status(), "setting up memory"));
  }
  worker_group->memory_ = *std::move(memory);
  worker_group->reports_ = std::make_unique<WorkerReports>(&worker_group->plan_->topology(), worker_group->memory_.get(), worker);
  worker_group->relay_ = ReportRelay::Start(&world, worker_group->reports_.get());
  worker_group->context_ = Context{
      worker_group->plan_.get(), worker_group->memory_.get(), &world, worker_group->reduction_group_.get(), worker_group->reports_.get(),
      options.deadline};
  worker_group->context_.deadline.progress = worker_group->reports_.get();
  worker_group->context_.for_each = options.for_each;
  worker_group->gather_ = std::make_unique<MetadataAllGather>(&worker_group->context_);
  worker_group->parameter_all_gather_ = std::make_unique<ParameterAllGather>(&worker_group->context_);
  return worker_group;
}

Status WorkerGroup::Gather(absl::string_view what, absl::Span<const std::byte> mine, absl::Span<std::byte> all) {
  const std::vector<size_t> sizes(static_cast<size_t>(plan_->topology().workers()), mine.size());
  DEIT_RETURN_IF_ERROR(gather_->Exchange({mine.data(), mine.size()}, sizes, absl::StrCat("agreement on ", what)));
  for (size_t w = 0; w < sizes.size(); ++w) std::memcpy(all.data() + w * mine.size(), gather_->Of(static_cast<int>(w)).data(), mine.size());
  return absl::OkStatus();
}

Status WorkerGroup::Agree(const Status& mine, absl::string_view what) {
  const auto gather = [&](absl::Span<const std::byte> own, absl::Span<std::byte> all) { return Gather(what, own, all); };
  return exchange::Agree(gather, context_.worker(), plan_->topology().workers(), mine);
}

StatusOr<std::vector<uint64_t>> WorkerGroup::ShareNumbers(uint64_t mine, absl::string_view what) {
  const auto gather = [&](absl::Span<const std::byte> own, absl::Span<std::byte> all) { return Gather(what, own, all); };
  return exchange::ShareNumbers(gather, plan_->topology().workers(), mine);
}

Status WorkerGroup::SumNumbers(std::vector<int64_t>* numbers, absl::string_view what) {
  constexpr size_t kAtOnce = kAgreementBytes / sizeof(int64_t);  // what payloads have room for in any case
  const size_t workers = static_cast<size_t>(plan_->topology().workers());
  for (size_t first = 0; first < numbers->size(); first += kAtOnce) {
    const absl::Span<int64_t> sums = absl::MakeSpan(*numbers).subspan(first, kAtOnce);
    std::vector<int64_t> all(workers * sums.size());
    const auto bytes = [](auto* data, size_t count) { return std::as_writable_bytes(std::span(data, count)); };
    const auto own = bytes(sums.data(), sums.size()), others = bytes(all.data(), all.size());
    DEIT_RETURN_IF_ERROR(Gather(what, {own.data(), own.size()}, {others.data(), others.size()}));
    std::fill(sums.begin(), sums.end(), 0);
    for (size_t i = 0; i < all.size(); ++i) sums[i % sums.size()] += all[i];
  }
  return absl::OkStatus();
}

}  // namespace deit::exchange
