#include "coordinator/api/run_folder_record.h"

#include "common/base/unix_time.h"
#include "common/files/operations.h"
#include "common/json/json_file.h"
#include "common/run/run_folder.h"
#include "common/run/run_identity.h"
#include "common/run/summary.h"
#include "proto/run.pb.h"

namespace deit::api {
namespace {

void CopySummary(const v1::Summary& summary, v1::JobRecord* record) {
  record->set_name(summary.name());
  record->set_spec_digest(summary.spec_digest());
  record->set_state(summary.state());
  record->set_restarts(summary.restarts());
  if (summary.attempts().empty()) return;
  const v1::Summary::Attempt& last = summary.attempts(summary.attempts_size() - 1);
  record->set_created(summary.attempts(0).start_time());
  record->set_workers_wanted(last.workers());
  record->set_workers_min(last.workers());
  record->set_workers_max(last.workers());
  if (summary.state() == v1::JobState::FAILED) record->set_reason(last.cause());
}

}  // namespace

StatusOr<v1::JobRecord> RecordFromRunFolder(files::FileSystem& fs, const std::string& run_dir) {
  const run::RunFolder folder(run_dir);
  const auto identity = run::ReadIdentity(fs, folder);
  v1::Summary summary;
  const Status read = json::ReadJsonFile(fs, folder.Summary(), &summary);
  if (!identity.ok() && !read.ok()) return absl::NotFoundError(absl::StrCat(run_dir, ": not a run folder"));
  v1::JobRecord record;
  record.set_run_dir(run_dir);
  CopySummary(summary, &record);
  if (identity.ok()) {
    record.set_job(identity->job());
  } else {
    record.set_attempt(run::LastAttempt(fs, folder).value_or(0));
  }
  const auto written = fs.Stat(read.ok() ? folder.Summary() : folder.Job());
  if (written.ok()) record.set_updated(UnixSeconds(written->modified));
  if (record.created() == 0) record.set_created(record.updated());
  if (run::IsEnd(record.state())) {
    record.set_ended(record.updated());
    record.set_attempt(run::LastAttempt(fs, folder).value_or(0));
  }
  return record;
}

}  // namespace deit::api
