// Context shared by the components of the exchange: plan, node buffers, world communicator and progress.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/control/worker_progress.h"
#include "worker/collective/communicator.h"
#include "worker/collective/wait.h"
#include "worker/exchange/exchange_plan.h"
#include "worker/exchange/node_buffers.h"
#include "worker/exchange/worker_reports.h"
#include "worker/update/for_each.h"

namespace deit::exchange {

// What a worker is doing, as its peers report it when it stops doing it.
enum class Phase : uint64_t { kStart, kData, kCompute, kReduce, kExchange, kUpdate, kGather, kEvaluate, kCheckpoint, kEnd };
const char* PhaseName(Phase phase);

// Not owned: plan, memory, world and reports outlive it. One per worker; used by its training thread.
struct Context {
  const ExchangePlan* plan;
  NodeBuffers* memory;
  collective::Communicator* world;
  collective::Communicator* reduction;  // of all workers, for sums that may be left unfinished (LaneOrder::kSequential); else null
  WorkerReports* reports;
  collective::Deadline deadline;                       // of each wait: renewed by the progress of all others
  uint64_t step = 0;                                   // the step being worked on, for messages
  control::WorkerProgress* worker_progress = nullptr;  // hears of each phase too; may be null
  update::ForEach for_each = update::OneAfterAnother;  // divides casts among threads

  int worker() const { return world->rank(); }
  int node() const { return plan->topology().node_of[static_cast<size_t>(worker())]; }
  int member() const { return plan->topology().index_of[static_cast<size_t>(worker())]; }
  const std::vector<int>& members() const { return plan->topology().members[static_cast<size_t>(node())]; }

  // Tells the node, and worker_progress, what this worker does from now on.
  void Report(Phase phase) const;

  // Another piece of work is done: others that wait go on waiting. From any thread.
  void AddPiece() const;

  // "last reported: step 12, phase update"; of another node's worker about a second old, and empty before its first report has arrived.
  std::string LastReport(int worker) const;

  // Of `workers`, the one that is furthest behind by its last report: by step, then phase; the first of equals.
  int FurthestBehind(const std::vector<int>& workers) const;

  // "worker 3 last reported: step 12, phase update" of the worker that is furthest behind; empty if none is behind this worker.
  std::string ReportOfLast() const;

  // This worker cannot finish the step: workers that wait for its gradients stop waiting, and come to the exchange that follows.
  void GiveStepUp() const { reports->Set(kGivenUp, step + 1); }
  bool StepGivenUp() const { return reports->Largest(kGivenUp) > step; }  // by any worker

  // The first member of this node whose `flag` is below `value`, as a worker; -1: none.
  int FirstBelow(Flag flag, uint64_t value) const;

  // Blocks until the `flag` of all members is `value`, at most the deadline: "worker 3 did not WHAT of step 12".
  Status AwaitMembers(Flag flag, uint64_t value, absl::string_view what) const;
};

// InvalidArgument where the plan has more buckets, or more sums of one node, than messages between nodes have tags for.
Status CheckTags(const ExchangePlan& plan);

// Tags of messages: the kind above, what it is about below. Of a plan that CheckTags accepts.
int GradientTag(int bucket, int output);
int WeightTag(int bucket);
int PayloadTag(int worker);
int HeadersTag();
int ReportTag();

}  // namespace deit::exchange
