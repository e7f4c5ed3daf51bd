#include "common/job/guardian_file.h"

#include "absl/strings/str_cat.h"
#include "common/files/inode.h"
#include "common/json/json_file.h"

namespace deit::job {
namespace {

// 0: cannot be told.
uint64_t InodeOrZero(const run::RunFolder& folder) { return files::InodeOf(folder.path()).value_or(0); }

}  // namespace

Status WriteGuardian(files::FileSystem& fs, const run::RunFolder& folder, const std::string& job, v1::GuardianRecord* record) {
  record->set_job(job);
  record->set_run_folder_inode(InodeOrZero(folder));
  return json::ReplaceJsonFile(fs, folder.Guardian(record->attempt()), *record);
}

StatusOr<v1::GuardianRecord> ReadGuardian(files::FileSystem& fs, const run::RunFolder& folder, const std::string& job, int attempt) {
  DEIT_ASSIGN_OR_RETURN(v1::GuardianRecord record, json::ReadAttemptFile<v1::GuardianRecord>(fs, folder.Guardian(attempt), attempt));
  const bool same_job = !job.empty() && (record.job().empty() || record.job() == job);  // a copy that was not started yet has no job
  const bool same_folder = record.run_folder_inode() == 0 || record.run_folder_inode() == InodeOrZero(folder);
  if (same_job && same_folder) return record;
  return absl::NotFoundError(absl::StrCat(folder.Guardian(attempt), ": is about another run folder, of which this one is a copy"));
}

}  // namespace deit::job
