#include "worker/data/loader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/mutex.h"
#include "common/base/status.h"
#include "worker/data/pixel_buffer.h"

namespace deit::data {
namespace {

constexpr std::chrono::milliseconds kLook(50);  // between two looks while Next() blocks

// A few claims per thread and micro-batch: all threads finish it together, and small views do not queue for the lock.
int ViewsPerClaim(int views, int threads) { return std::max(1, views / (4 * threads)); }

void CheckOptions(const plan::Sampler& sampler, const LoaderOptions& options) {
  DEIT_CHECK(options.lane_count > 0 && options.batch_size > 0 && options.batch_size % options.lane_count == 0, options.batch_size, " / ",
             options.lane_count);
  DEIT_CHECK(static_cast<uint64_t>(options.batch_size) == sampler.options().batch_size, options.batch_size);
  DEIT_CHECK(0 <= options.lanes.begin && options.lanes.begin < options.lanes.end && options.lanes.end <= options.lane_count);
  DEIT_CHECK(options.threads >= 1 && options.depth >= 1 && options.first_step <= options.end_step);
}

}  // namespace

// Micro-batch number q (0, 1, ... in the order of Next()) is in slot q mod slots. Views are claimed in order, so that the next
// micro-batch is always the one nearest to completion. A claimed view is written without the mutex.
class Loader::Ring {
 public:
  Ring(const plan::Sampler& sampler, const ViewSource& source, const LoaderOptions& options)
      : sampler_(sampler), source_(source), options_(options), views_(options.batch_size / options.lane_count),
        total_((options.end_step - options.first_step) * static_cast<uint64_t>(options.lanes.size())),
        view_floats_(static_cast<size_t>(source.channels()) * static_cast<size_t>(source.size()) * static_cast<size_t>(source.size())) {}

  ~Ring() {
    Stop();
    for (std::thread& thread : threads_) thread.join();
  }

  Status Start() {
    const auto wanted = std::min<uint64_t>(total_, static_cast<uint64_t>(options_.depth) + 1);
    slots_.resize(wanted);
    for (Slot& slot : slots_) {
      DEIT_ASSIGN_OR_RETURN(slot.pixels, AllocatePixels(static_cast<size_t>(views_) * view_floats_));
      slot.batch.pixels = slot.pixels.get();
      slot.batch.views.resize(static_cast<size_t>(views_));
      slot.batch.labels.resize(static_cast<size_t>(views_));
      slot.unrendered = views_;
    }
    try {
      for (int t = 0; t < options_.threads && total_ > 0; ++t) threads_.emplace_back([this] { Work(); });
    } catch (const std::system_error& error) {
      return absl::ResourceExhaustedError(absl::StrCat("data.threads: ", options_.threads, ": ", error.what()));
    }
    return absl::OkStatus();
  }

  StatusOr<const MicroBatch*> Next(absl::FunctionRef<bool()> leave) {
    const MutexLock lock(mutex_);
    DEIT_RETURN_IF_ERROR(failure_);
    if (held_) GiveBack();
    if (next_ == total_) return nullptr;
    Slot& slot = slots_[next_ % slots_.size()];
    const auto begin = std::chrono::steady_clock::now();
    const bool left = !Await(slot, leave);
    wait_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (left || stopped_) return absl::CancelledError("loader: stopped");
    DEIT_RETURN_IF_ERROR(failure_);
    held_ = true;
    return &slot.batch;
  }

  double WaitSeconds() const { return wait_seconds_; }

  void Stop() {
    const MutexLock lock(mutex_);
    stopped_ = true;
    ready_.NotifyAll();
    work_.NotifyAll();
  }

 private:
  struct Slot {
    MicroBatch batch;
    PixelBuffer pixels;
    int unrendered = 0;  // views
    int replaced = 0;    // of those that are rendered
    bool ready = false;  // rendered and mixed, or failed
    Status error;        // of view number error_view, the first that failed
    int error_view = 0;
  };

  // Views [begin, end) of micro-batch q.
  struct Claim {
    uint64_t q = 0;
    int begin = 0;
    int end = 0;
  };

  // What came of a claim.
  struct Outcome {
    int replaced = 0;  // views
    Status error;      // of view number error_view, the first that failed
    int error_view = 0;
  };

  // Until `slot` is ready, stopped, or failure_ says why it is not; false: `leave` was true.
  bool Await(const Slot& slot, absl::FunctionRef<bool()> leave) DEIT_REQUIRES(mutex_) {
    using Time = std::chrono::steady_clock;
    uint64_t rendered = rendered_;
    auto since = Time::now();
    auto look = since + kLook;
    while (!stopped_ && !slot.ready) {
      if (ready_.WaitUntil(mutex_, look)) continue;
      if (const uint64_t now = rendered_; now != rendered) rendered = now, since = Time::now();
      if (Time::now() - since > absl::ToChronoNanoseconds(options_.deadline)) {
        failure_ = Late(slot);
        return true;
      }
      mutex_.Unlock();
      const bool leaves = leave();
      mutex_.Lock();
      if (leaves) return false;
      look = Time::now() + kLook;
    }
    failure_ = slot.error;
    return true;
  }

  uint64_t StepOf(uint64_t q) const { return options_.first_step + q / static_cast<uint64_t>(options_.lanes.size()); }
  int LaneOf(uint64_t q) const { return options_.lanes.begin + static_cast<int>(q % static_cast<uint64_t>(options_.lanes.size())); }

  // The micro-batch that Next() handed out last may be overwritten from now on.
  void GiveBack() DEIT_REQUIRES(mutex_) {
    Slot& slot = slots_[next_ % slots_.size()];
    slot.unrendered = views_;
    slot.replaced = 0;
    slot.ready = false;
    held_ = false;
    ++next_;
    work_.NotifyAll();
  }

  Status Late(const Slot& slot) const DEIT_REQUIRES(mutex_) {
    return absl::DeadlineExceededError(absl::StrCat("loader: step ", StepOf(next_), ", lane ", LaneOf(next_), ": ", slot.unrendered, " of ",
                                                    views_, " views missing, and no other for ", absl::FormatDuration(options_.deadline)));
  }

  // Waits for a slot; false once stopped or when nothing is left.
  bool TakeClaim(Claim* claim) {
    const MutexLock lock(mutex_);
    while (!stopped_ && claimed_.q != total_ && claimed_.q >= next_ + slots_.size()) work_.Wait(mutex_);
    if (stopped_ || claimed_.q == total_) return false;
    *claim = claimed_;
    claim->end = EndOfClaim(*claim);
    claimed_.begin = claim->end;
    if (claim->end == views_) claimed_ = {claimed_.q + 1, 0, 0};
    return true;
  }

  // Views of one image stay together, so that it is decoded once.
  int EndOfClaim(const Claim& claim) const {
    int end = std::min(views_, claim.begin + ViewsPerClaim(views_, options_.threads));
    if (sampler_.options().repeated_aug == 1) return end;
    const uint64_t image = ViewAt(claim.q, end - 1).image;
    while (end < views_ && ViewAt(claim.q, end).image == image) ++end;
    return end;
  }

  plan::View ViewAt(uint64_t q, int v) const {
    return sampler_.At(
        plan::PositionOf(StepOf(q), LaneOf(q), static_cast<size_t>(v), static_cast<uint64_t>(options_.batch_size), options_.lane_count));
  }

  void Work() {
    for (Claim claim; TakeClaim(&claim);) {
      Slot& slot = slots_[claim.q % slots_.size()];
      Outcome outcome;
      for (int v = claim.begin; v < claim.end; ++v) {
        Status status = RenderView(claim.q, v, &slot.batch, &outcome.replaced);
        ++rendered_;
        if (options_.view_done) options_.view_done();
        if (status.ok() || !outcome.error.ok()) continue;
        outcome.error = std::move(status);
        outcome.error_view = v;
      }
      Finish(claim, outcome, &slot);
    }
  }

  // The thread that renders a micro-batch's last view mixes it, without the mutex: no other thread touches a rendered slot that is not ready.
  void Finish(const Claim& claim, const Outcome& outcome, Slot* slot) {
    if (!RecordOutcome(claim, outcome, slot)) return;
    if (slot->error.ok()) source_.Mix(&slot->batch);
    const MutexLock lock(mutex_);
    slot->ready = true;
    ready_.NotifyAll();
  }

  // True when all views of the slot are rendered.
  bool RecordOutcome(const Claim& claim, const Outcome& outcome, Slot* slot) {
    const MutexLock lock(mutex_);
    if (!outcome.error.ok() && (slot->error.ok() || outcome.error_view < slot->error_view)) {
      slot->error = outcome.error;
      slot->error_view = outcome.error_view;
    }
    slot->batch.step = StepOf(claim.q);
    slot->batch.lane = LaneOf(claim.q);
    slot->replaced += outcome.replaced;
    slot->unrendered -= claim.end - claim.begin;
    slot->batch.replaced = slot->replaced;
    return slot->unrendered == 0;
  }

  Status RenderView(uint64_t q, int v, MicroBatch* batch, int* replaced) const {
    const auto slot = static_cast<size_t>(v);
    const plan::View view = ViewAt(q, v);
    batch->views[slot] = view;
    Rendered rendered;
    const Status status = source_.Render(view, batch->pixels + slot * view_floats_, &rendered);
    batch->labels[slot] = rendered.label;
    *replaced += rendered.replaced;
    if (status.ok()) return status;  // the usual case builds no message
    return Annotate(status, absl::StrCat("step ", StepOf(q), ", lane ", LaneOf(q), ", position ", view.position, ", image ", view.image));
  }

  const plan::Sampler& sampler_;
  const ViewSource& source_;
  const LoaderOptions options_;
  const int views_;       // of one micro-batch
  const uint64_t total_;  // micro-batches
  const size_t view_floats_;
  std::vector<Slot> slots_;  // the vector itself is constant after Start()
  std::vector<std::thread> threads_;

  Mutex mutex_;
  CondVar ready_;                      // for Next()
  CondVar work_;                       // for the threads
  std::atomic<uint64_t> rendered_{0};  // views, for Await()
  bool stopped_ DEIT_GUARDED_BY(mutex_) = false;
  Claim claimed_ DEIT_GUARDED_BY(mutex_);      // .q and .begin: the first view that is not claimed
  uint64_t next_ DEIT_GUARDED_BY(mutex_) = 0;  // the micro-batch held by the caller, else the one to hand out next
  bool held_ DEIT_GUARDED_BY(mutex_) = false;
  Status failure_ DEIT_GUARDED_BY(mutex_);
  double wait_seconds_ = 0;  // of the caller's thread alone
};

LoaderOptions LoaderOptionsOf(const v1::JobSpec& spec, plan::LaneRun lanes, uint64_t first_step, uint64_t end_step) {
  return {.lanes = lanes,
          .lane_count = spec.train().lanes(),
          .batch_size = spec.train().batch_size(),
          .first_step = first_step,
          .end_step = end_step,
          .threads = spec.data().threads(),
          .depth = spec.data().prefetch(),
          .deadline = absl::Seconds(spec.fault().stall_timeout()),
          .view_done = nullptr};
}

Loader::Loader(std::unique_ptr<Ring> ring) : ring_(std::move(ring)) {}
Loader::~Loader() = default;

StatusOr<std::unique_ptr<Loader>> Loader::Start(const plan::Sampler& sampler, const ViewSource& source, const LoaderOptions& options) {
  CheckOptions(sampler, options);
  auto ring = std::make_unique<Ring>(sampler, source, options);
  DEIT_RETURN_IF_ERROR(ring->Start());
  return std::make_unique<Loader>(std::move(ring));
}

StatusOr<const MicroBatch*> Loader::Next(absl::FunctionRef<bool()> leave) { return ring_->Next(leave); }
double Loader::WaitSeconds() const { return ring_->WaitSeconds(); }
void Loader::Stop() { ring_->Stop(); }

}  // namespace deit::data
