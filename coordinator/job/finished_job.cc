#include "coordinator/job/finished_job.h"

#include "common/run/summary.h"
#include "coordinator/job/attempt_files.h"

namespace deit::job {

bool IsFinished(files::FileSystem& fs, const run::RunFolder& folder, const std::string& spec_digest, int64_t steps) {
  const v1::Summary summary = run::ReadSummary(fs, folder.Summary());
  if (summary.state() != v1::JobState::SUCCEEDED || summary.spec_digest() != spec_digest || summary.steps() < steps) return false;
  return CountSteps(fs, folder).saved >= steps;
}

}  // namespace deit::job
