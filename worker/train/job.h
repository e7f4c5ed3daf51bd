// Trains one job with this attempt's workers, from the run folder's lock to the last line.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/control/worker_progress.h"
#include "common/dataset/index.h"
#include "common/plan/sampler.h"
#include "common/process/signals.h"
#include "proto/spec.pb.h"
#include "worker/collective/communicator.h"
#include "worker/data/view_source.h"
#include "worker/state/job_state.h"
#include "worker/train/attempt.h"
#include "worker/train/engine.h"

namespace deit::train {

enum class Resume { kAuto, kNever, kRequired };

struct JobOptions {
  Resume resume = Resume::kAuto;
  bool allow_config_change = false;
  std::optional<uint64_t> stop_after_steps;  // as if preempted after so many steps of this attempt

  // When this worker was asked to stop, as Clock::System().Elapsed(); InfiniteDuration: it was not.
  std::function<absl::Duration()> stop_requested_at = process::StopRequestedAt;
};

// What a job learns from and with. Not owned.
struct JobInputs {
  const v1::JobSpec* spec;  // resolved
  std::string spec_digest;  // with the contents of its paths, 16 hex digits
  const plan::Sampler* sampler;
  const data::ViewSource* train_views;
  const data::ViewSource* evaluation_views;
  int64_t evaluation_images = 0;
  Engine* engine;
  std::function<Status(const state::JobState&)> initialise;  // weights of a job without a checkpoint; collective, as FillWeights
};

// Collective over `world`. OK: trained to the end. A status with exit code 75: stopped, and no finished step is lost. Others: as their exit
// codes say. What goes wrong on one worker is told to all (exchange::AgreedFailureOf); under an error that they cannot know of, a lost
// peer, the caller ends the launch. `worker_progress` hears how far it is.
Status RunJob(collective::Communicator& world, const Attempt& attempt, const JobInputs& inputs, const JobOptions& options,
              control::WorkerProgress& worker_progress);

}  // namespace deit::train
