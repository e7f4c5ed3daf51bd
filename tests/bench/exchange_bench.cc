// The exact exchange with its update against MPI_Allreduce alone, for gradients of the size of DeiT-Ti, S and B:
//   mpirun -np 2 exchange_bench
// Prints medians in ms; the library's figure is its best chunking. Both sides run in turn in the same loop.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "proto/spec.pb.h"
#include "worker/collective/session.h"
#include "worker/exchange/reducer.h"
#include "worker/exchange/worker_group.h"
#include "worker/state/owned_state.h"

namespace deit {
namespace {

constexpr int kRounds = 15;
constexpr double kMs = 1e3;

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

double Seconds(const std::function<Status()>& body) {
  const absl::Duration start = Clock::System().Elapsed();
  const Status status = body();
  DEIT_CHECK(status.ok(), status.message());
  return absl::ToDoubleSeconds(Clock::System().Elapsed() - start);
}

// A transformer's tensors: `width` wide, twelve blocks of seven matrices' worth.
std::vector<plan::TensorShape> Shapes(int64_t width) {
  std::vector<plan::TensorShape> shapes;
  for (int block = 0; block < 12; ++block) {
    shapes.push_back({"qkv", {3 * width, width}});
    shapes.push_back({"proj", {width, width}});
    shapes.push_back({"fc1", {4 * width, width}});
    shapes.push_back({"fc2", {width, 4 * width}});
    shapes.push_back({"norm", {width}});
  }
  shapes.push_back({"heads", {2000, width}});
  return shapes;
}

Status AllReduceInChunks(collective::Communicator& world, float* data, int64_t count, int64_t chunk, collective::Deadline deadline) {
  for (int64_t begin = 0; begin < count; begin += chunk) {
    const size_t n = static_cast<size_t>(std::min(chunk, count - begin));
    DEIT_ASSIGN_OR_RETURN(auto transfer, world.AllReduce({data + begin, n, collective::ElementType::kFloat32}));
    DEIT_RETURN_IF_ERROR(collective::Wait(*transfer, deadline, [] { return collective::WaitDescription{"all-reduce", ""}; }));
  }
  return absl::OkStatus();
}

Status Measure(collective::Communicator& world, int64_t width) {
  const plan::Grid grid(Shapes(width), 1 << 18);
  exchange::WorkerGroupOptions options;
  options.lanes = world.size();
  options.payload_capacity = [](const exchange::ExchangePlan&) { return size_t{64}; };
  options.deadline.limit = absl::Seconds(30);
  DEIT_ASSIGN_OR_RETURN(const auto worker_group, exchange::WorkerGroup::Create(world, grid, options));
  const auto adamw = update::NewOptimizer(v1::OptimizerSpec());
  state::OwnedState owned(grid, worker_group->plan().shards(), world.rank(), *adamw, false);
  const auto reducer = exchange::NewExactReducer(&worker_group->context());
  const std::vector<double> decay(grid.tensors().size(), 0.05);
  const std::vector<size_t> sizes(static_cast<size_t>(world.size()), 8);
  float* const slot = worker_group->memory().slot(worker_group->context().member(), 0);
  std::fill(slot, slot + grid.elements(), 1e-3f);
  std::vector<float> copy(static_cast<size_t>(grid.elements()), 1e-3f);

  std::vector<double> exact;
  std::vector<std::vector<double>> library(3);
  const int64_t chunks[] = {grid.elements(), 1 << 22, 1 << 18};
  const std::vector<std::byte> token(8);
  for (int round = 0; round < kRounds; ++round) {
    // Everybody starts together: the exchange's own time is asked for, not the wait for a late peer.
    DEIT_RETURN_IF_ERROR(worker_group->gather().Exchange(token, sizes, "start"));
    exact.push_back(Seconds([&]() -> Status {
      DEIT_RETURN_IF_ERROR(reducer->BeginStep());
      DEIT_RETURN_IF_ERROR(reducer->SetBucketsReady(worker_group->plan().buckets()));
      DEIT_RETURN_IF_ERROR(reducer->Finish());
      const auto squares = owned.Squares(slot);
      DEIT_RETURN_IF_ERROR(worker_group->gather().Exchange(token, sizes, "norms"));
      owned.Update(*adamw, {1e-3, round + 1, 0.5}, decay, 0, slot, worker_group->memory().weights());
      return worker_group->parameter_all_gather().Publish();
    }));
    for (size_t k = 0; k < 3; ++k) {
      DEIT_RETURN_IF_ERROR(worker_group->gather().Exchange(token, sizes, "start"));
      library[k].push_back(Seconds([&] { return AllReduceInChunks(world, copy.data(), grid.elements(), chunks[k], options.deadline); }));
    }
  }
  const double best = std::min({Median(library[0]), Median(library[1]), Median(library[2])});
  if (world.rank() == 0) {
    std::printf("%6.1f MB  exact exchange + AdamW %7.2f ms   all-reduce alone: whole %7.2f, 16 MiB %7.2f, 1 MiB %7.2f ms   ratio %.2f\n",
                static_cast<double>(grid.elements()) * 4e-6, Median(exact) * kMs, Median(library[0]) * kMs, Median(library[1]) * kMs,
                Median(library[2]) * kMs, Median(exact) / best);
  }
  return worker_group->gather().Exchange(token, sizes, "end");
}

}  // namespace
}  // namespace deit

int main() {
  auto session = deit::collective::StartSession({});
  if (!session.ok()) {
    deit::LogError(session.status().message());
    return 1;
  }
  deit::Status status;
  for (int64_t width : {192, 384, 768}) {
    if (status.ok()) status = deit::Measure((*session)->world(), width);
  }
  if (!status.ok()) deit::LogError(status.message());
  (*session)->Finish(status.ok() ? deit::ExitCode::kDone : deit::ExitCode::kInternal);
}
