// Prefetch: threads render the coming micro-batches into a ring of buffers, view by view, while the trainer works on an earlier one.
// What Next() hands out does not depend on the number of threads, nor on how far they are ahead.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/plan/lanes.h"
#include "common/plan/sampler.h"
#include "worker/data/micro_batch.h"
#include "worker/data/view_source.h"

namespace deit::data {

struct LoaderOptions {
  plan::LaneRun lanes{0, 0};  // of this worker: plan::LanesOfWorker()
  int lane_count = 8;         // train.lanes; divides batch_size
  int batch_size = 0;         // global
  uint64_t first_step = 0;    // loads [first_step, end_step)
  uint64_t end_step = 0;
  int threads = 1;                             // data.threads
  int depth = 2;                               // micro-batches rendered ahead of the one handed out; >= 1
  absl::Duration deadline = absl::Minutes(5);  // longest wait of one Next() without any view rendered: fault.stall_timeout
  std::function<void()> view_done = nullptr;   // called after each view, by the thread that rendered it
};

// What the job says: all but lanes and steps, which are those that the caller gives.
LoaderOptions LoaderOptionsOf(const v1::JobSpec& spec, plan::LaneRun lanes, uint64_t first_step, uint64_t end_step);

// Used by one thread at a time, apart from Stop().
class Loader {
 public:
  // Allocates (depth + 1) micro-batches, once, and starts the threads. `sampler` and `source` outlive the loader.
  static absl::StatusOr<std::unique_ptr<Loader>> Start(const plan::Sampler& sampler, const ViewSource& source,
                                                       const LoaderOptions& options);
  ~Loader();  // Stop(), then joins: takes no longer than the views in progress

  // The next micro-batch, in order of step, then lane; null after the last. Blocks until it is rendered. It belongs to the caller until
  // the next call. A view's error is returned in place of its micro-batch, naming step, lane, position and image (of several the first),
  // and again by every later call. Cancelled after Stop(), and once `leave`, asked every 50 ms while it blocks, is true; DeadlineExceeded once
  // options.deadline has passed without a view.
  absl::StatusOr<const MicroBatch*> Next(absl::FunctionRef<bool()> leave);
  absl::StatusOr<const MicroBatch*> Next() {
    return Next([] { return false; });
  }

  double WaitSeconds() const;  // spent in Next() so far: what the trainer waited for data

  void Stop();  // wakes a blocked Next(); from any thread, any number of times

 private:
  class Ring;
  std::unique_ptr<Ring> ring_;

 public:
  explicit Loader(std::unique_ptr<Ring> ring);  // for Start()
};

}  // namespace deit::data
