#include "coordinator/api/jobs.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/numbers.h"
#include "common/job/job_record.h"
#include "coordinator/status/job_status.h"

namespace deit::api {
namespace {
constexpr absl::Duration kWaitPoll = absl::Milliseconds(200);
}

StatusOr<v1::StatusReport> ListJobs(const Environment& environment) {
  DEIT_ASSIGN_OR_RETURN(job::JobRecords known, job::ListJobRecords(*environment.fs, environment.state_folder));
  std::vector<job::Observation> observations;
  for (v1::JobRecord& record : known.records) {
    observations.push_back(job::Observe(*environment.fs, environment.state_folder, std::move(record)));
  }
  return status::MakeReport(observations, known.unreadable, environment.clock->Now());
}

v1::StatusReport ShowJob(JobHandle& job) { return status::MakeReport({job.Look().observation}, {}, job.environment().clock->Now()); }

StatusOr<v1::JobStatus> WaitForJob(JobHandle& job, absl::Duration timeout, Pause pause) {
  Clock& clock = *job.environment().clock;
  const absl::Duration start = clock.Elapsed();
  for (;;) {
    const JobSnapshot snapshot = job.Look();
    if (snapshot.over()) return DescribeJob(job.environment(), snapshot);
    const absl::Duration left = timeout - (clock.Elapsed() - start);
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(absl::StrCat("wait: ", job.Title(), ": after ", DurationText(timeout), " still ",
                                                      StateText(snapshot.health.state, snapshot.health.reason)));
    }
    if (!pause(std::min(kWaitPoll, left))) return absl::CancelledError(absl::StrCat("wait: ", job.Title(), ": interrupted"));
  }
}

}  // namespace deit::api
