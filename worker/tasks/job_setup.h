// Builds data and plan of a job from its loaded spec.
#pragma once

#include <memory>
#include <string>

#include "common/base/status.h"
#include "common/dataset/index.h"
#include "common/plan/sampler.h"
#include "proto/spec.pb.h"
#include "worker/collective/communicator.h"
#include "worker/collective/wait.h"
#include "worker/data/view_source.h"
#include "worker/tasks/options.h"

namespace deit::tasks {

struct JobData {
  std::unique_ptr<dataset::Index> train, validation;
  std::unique_ptr<data::ViewSource> train_views, evaluation_views;
  std::unique_ptr<plan::Sampler> sampler;
};

// The resolved spec of the command line.
StatusOr<v1::JobSpec> LoadJob(const Options& options);

// Warns of what this machine does slowly, on worker 0 of `world`; and, where the job is trained, on each node's first worker, of memory that
// will not suffice (common/fit).
void WarnOfProcessor(const v1::JobSpec& spec, const collective::Communicator& world);
void WarnOfMemory(const v1::JobSpec& spec, const collective::Communicator& world);

// Opens both parts of the data.
StatusOr<JobData> OpenData(const v1::JobSpec& spec);

// Of waits before training, where progress is not counted: fault.phase_timeout.
collective::Deadline PhaseDeadline(const v1::JobSpec& spec);

// Of waits before the job is known to all.
collective::Deadline SetupDeadline();

}  // namespace deit::tasks
