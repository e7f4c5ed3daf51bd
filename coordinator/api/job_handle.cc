#include "coordinator/api/job_handle.h"

#include "absl/strings/str_cat.h"
#include "common/base/unix_time.h"
#include "common/files/absolute_path.h"
#include "common/job/job_record.h"
#include "common/text/printable.h"
#include "common/text/shell_word.h"
#include "coordinator/api/run_folder_record.h"
#include "coordinator/status/job_status.h"

namespace deit::api {

StatusOr<JobHandle> JobHandle::Find(const Environment& environment, const std::string& word) {
  auto record = job::FindJobRecord(*environment.fs, environment.state_folder, word);
  if (record.ok()) return JobHandle(environment, *std::move(record), false);
  if (!absl::IsNotFound(record.status()) || word.empty()) return record.status();
  DEIT_ASSIGN_OR_RETURN(const std::string here, files::CurrentFolder());
  auto from_folder = RecordFromRunFolder(*environment.fs, files::AbsolutePath(here, word));
  if (!from_folder.ok()) return record.status();  // which says what was looked for
  return JobHandle(environment, *std::move(from_folder), true);
}

JobSnapshot JobHandle::Look() {
  files::FileSystem& fs = *environment_.fs;
  auto newest = job::ReadJobRecord(fs, environment_.state_folder, record_.job());
  if (newest.ok()) {
    newest->set_run_dir(record_.run_dir());  // where it was found
    record_ = *std::move(newest);
    from_run_folder_ = false;
  } else if (from_run_folder_) {
    auto again = RecordFromRunFolder(fs, record_.run_dir());
    if (again.ok()) record_ = *std::move(again);
  }
  JobSnapshot snapshot{.observation = job::Observe(fs, environment_.state_folder, record_), .health = {}};
  const double now = UnixSeconds(environment_.clock->Now());
  snapshot.health = job::ResolveJobState(snapshot.observation.record, snapshot.observation.evidence, now);
  return snapshot;
}

std::string JobHandle::Title() const {
  const std::string name = text::Printable(record_.name());
  return id().empty() ? absl::StrCat("job of ", run_dir(), " (", name, ")") : absl::StrCat("job ", id(), " (", name, ")");
}

std::string JobHandle::Argument() const { return text::ShellWord(id().empty() ? run_dir() : id()); }

std::string StateText(v1::JobState::Value state, const std::string& reason) {
  return absl::StrCat(v1::JobState::Value_Name(state), reason.empty() ? "" : ": ", text::Printable(reason));
}

v1::JobStatus DescribeJob(const Environment& environment, const JobSnapshot& snapshot) {
  return status::DescribeJob(snapshot.observation, environment.clock->Now());
}

}  // namespace deit::api
