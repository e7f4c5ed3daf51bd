#include "worker/tasks/job_setup.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/fit/memory_estimate.h"
#include "common/fit/processor_fit.h"
#include "common/job/state_folder.h"
#include "common/plan/job_sampler.h"
#include "common/spec/default_job_file.h"
#include "common/spec/load.h"

namespace deit::tasks {

StatusOr<v1::JobSpec> LoadJob(const Options& options) {
  if (options.config.empty() && options.overrides.empty()) {
    return WithHint(absl::InvalidArgumentError(absl::StrCat("--config: missing, and the current folder has no ", spec::kDefaultJobFile)),
                    "deit-worker --config=configs/quickstart/student.textproto");
  }
  return spec::LoadSpec(options.config, options.overrides);
}

void WarnOfProcessor(const v1::JobSpec& spec, const collective::Communicator& world) {
  if (world.rank() != 0) return;
  for (const std::string& warning : fit::ProcessorWarnings(spec, machine::ThisProcessor())) LogWarning(warning);
}

void WarnOfMemory(const v1::JobSpec& spec, const collective::Communicator& world) {
  const auto& hosts = world.hosts();
  const auto& own = hosts[static_cast<size_t>(world.rank())];
  const auto on_node = static_cast<int>(std::count(hosts.begin(), hosts.end(), own));
  if (std::find(hosts.begin(), hosts.end(), own) - hosts.begin() != world.rank() || world.size() > spec.train().lanes()) return;
  const auto warning = fit::MemoryWarning(spec, world.size(), on_node, machine::FreeMemory());
  if (warning.ok() && !warning->empty()) LogWarning(*warning);
}

StatusOr<JobData> OpenData(const v1::JobSpec& spec) {
  JobData data;
  DEIT_ASSIGN_OR_RETURN(data.train, dataset::OpenIndex(spec, dataset::Split::kTrain, job::IndexFolder()));
  DEIT_ASSIGN_OR_RETURN(data.validation, dataset::OpenIndex(spec, dataset::Split::kValidation, job::IndexFolder()));
  DEIT_RETURN_IF_ERROR(dataset::CheckSameClasses(*data.train, *data.validation));
  DEIT_ASSIGN_OR_RETURN(data.train_views, data::NewTrainViews(spec, *data.train));
  DEIT_ASSIGN_OR_RETURN(data.evaluation_views, data::NewEvaluationViews(spec, *data.validation));
  DEIT_ASSIGN_OR_RETURN(auto sampler, plan::SamplerOf(spec, static_cast<uint64_t>(data.train->size())));
  data.sampler = std::make_unique<plan::Sampler>(sampler);
  return data;
}

collective::Deadline PhaseDeadline(const v1::JobSpec& spec) { return {absl::Seconds(spec.fault().phase_timeout())}; }

collective::Deadline SetupDeadline() { return {absl::Seconds(60)}; }

}  // namespace deit::tasks
