#include "common/job/job_record.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/files/absolute_path.h"
#include "common/files/operations.h"
#include "common/json/json_file.h"
#include "common/process/identity.h"
#include "common/run/run_folder.h"
#include "common/run/run_identity.h"

namespace deit::job {
namespace {

constexpr char kListHint[] = "deit-coord status lists the jobs";

Status NoSuchJob(const std::string& word, absl::string_view why) {
  return WithHint(absl::NotFoundError(absl::StrCat("job: ", word, ": ", why)), kListHint);
}

// Ids of the jobs that have a record, sorted.
StatusOr<std::vector<std::string>> ListIds(files::FileSystem& fs, const StateFolder& folder) {
  std::vector<std::string> ids;
  auto names = fs.List(folder.Jobs());
  if (absl::IsNotFound(names.status())) return ids;
  DEIT_RETURN_IF_ERROR(Annotate(names.status(), "state folder"));
  for (absl::string_view name : *names) {
    if (absl::ConsumeSuffix(&name, StateFolder::kRecordSuffix)) ids.emplace_back(name);
  }
  return ids;
}

bool MayBeginAnId(const std::string& word) {
  return !word.empty() && word.size() <= 8 && word.find_first_not_of("0123456789abcdef") == std::string::npos;
}

StatusOr<v1::JobRecord> FindByFolder(files::FileSystem& fs, const StateFolder& folder, const std::string& word) {
  DEIT_ASSIGN_OR_RETURN(const std::string here, files::CurrentFolder());
  const std::string path = files::AbsolutePath(here, word);
  const auto identity = run::ReadIdentity(fs, run::RunFolder(path));
  if (!identity.ok()) return NoSuchJob(word, "neither the beginning of a job's id nor a run folder");
  auto record = ReadJobRecord(fs, folder, identity->job());
  if (absl::IsNotFound(record.status()))
    return NoSuchJob(word, absl::StrCat("its job ", identity->job(), " is not known in ", folder.path()));
  if (record.ok()) record->set_run_dir(path);
  return record;
}

// Of processes that cannot be seen from here (of a machine or a container that is gone) a day's silence is wanted.
bool IsOver(const v1::JobRecord& record) {
  if (record.has_ended()) return true;
  const bool silent = absl::Now() - absl::FromUnixMicros(static_cast<int64_t>(record.updated() * 1e6)) > absl::Hours(24);
  const auto dead = [&](const v1::ProcessIdentity& identity) {
    const process::Life life = process::LifeOf(identity);
    return life == process::Life::kDead || (life != process::Life::kAlive && silent);
  };
  const bool workers_dead =
      std::all_of(record.workers().begin(), record.workers().end(), [&](const v1::WorkerRecord& worker) { return dead(worker.process()); });
  return dead(record.owner()) && dead(record.guardian()) && workers_dead;
}

// A crash of the machine may leave a record of no bytes, because those of running jobs are not synced.
bool IsEmptied(files::FileSystem& fs, const std::string& path) {
  const auto info = fs.Stat(path);
  return info.ok() && info->bytes == 0;
}

Status Unreadable(files::FileSystem& fs, const std::string& path, const Status& status) {
  if (!IsEmptied(fs, path)) return status;
  return WithHint(absl::DataLossError(absl::StrCat(path, ": empty, as after a crash of the machine; the next start of any job removes it")),
                  "status with the run folder in place of the id still shows the job");
}

// Removes records of no bytes. One of a living job comes back: its owner replaces it every few seconds.
Status PruneEmptied(files::FileSystem& fs, const StateFolder& folder) {
  DEIT_ASSIGN_OR_RETURN(const std::vector<std::string> ids, ListIds(fs, folder));
  for (const std::string& id : ids) {
    if (!IsEmptied(fs, folder.Record(id))) continue;
    const Status gone = fs.Remove(folder.Record(id));
    if (!gone.ok() && !absl::IsNotFound(gone)) return Annotate(gone, "state folder");
  }
  return absl::OkStatus();
}

double EndOf(const v1::JobRecord& record) { return record.has_ended() ? record.ended() : record.updated(); }

}  // namespace

Status WriteJobRecord(files::FileSystem& fs, const StateFolder& folder, const v1::JobRecord& record) {
  const std::string path = folder.Record(record.job());
  return record.has_ended() ? json::WriteJsonFile(fs, path, record) : json::ReplaceJsonFile(fs, path, record);
}

StatusOr<v1::JobRecord> ReadJobRecord(files::FileSystem& fs, const StateFolder& folder, const std::string& job) {
  v1::JobRecord record;
  const std::string path = folder.Record(job);
  DEIT_RETURN_IF_ERROR(json::ReadJsonFile(fs, path, &record));
  if (record.job() != job) return absl::DataLossError(absl::StrCat(path, ": is about job ", record.job()));
  return record;
}

StatusOr<JobRecords> ListJobRecords(files::FileSystem& fs, const StateFolder& folder) {
  DEIT_ASSIGN_OR_RETURN(const std::vector<std::string> ids, ListIds(fs, folder));
  JobRecords found;
  for (const std::string& id : ids) {
    auto record = ReadJobRecord(fs, folder, id);
    if (record.ok()) {
      found.records.push_back(*std::move(record));
    } else if (!absl::IsNotFound(record.status())) {  // pruned meanwhile
      found.unreadable.push_back(Unreadable(fs, folder.Record(id), record.status()));
    }
  }
  return found;
}

StatusOr<v1::JobRecord> FindJobRecord(files::FileSystem& fs, const StateFolder& folder, const std::string& word) {
  std::vector<std::string> ids;
  if (MayBeginAnId(word)) {
    DEIT_ASSIGN_OR_RETURN(ids, ListIds(fs, folder));
    ids.erase(std::remove_if(ids.begin(), ids.end(), [&](const std::string& id) { return !absl::StartsWith(id, word); }), ids.end());
  }
  if (ids.size() == 1) return ReadJobRecord(fs, folder, ids[0]);
  if (ids.empty()) return FindByFolder(fs, folder, word);
  return WithHint(absl::InvalidArgumentError(absl::StrCat("job: ", word, ": ambiguous job id prefix: matches ", absl::StrJoin(ids, ", "))),
                  "give more of its id");
}

StatusOr<size_t> PruneJobRecords(files::FileSystem& fs, const StateFolder& folder, const std::string& job, size_t keep) {
  DEIT_RETURN_IF_ERROR(PruneEmptied(fs, folder));
  DEIT_ASSIGN_OR_RETURN(JobRecords known, ListJobRecords(fs, folder));
  std::vector<v1::JobRecord>& over = known.records;
  const auto stays = [&](const v1::JobRecord& record) { return record.job() == job || !IsOver(record); };
  over.erase(std::remove_if(over.begin(), over.end(), stays), over.end());
  std::sort(over.begin(), over.end(), [](const v1::JobRecord& a, const v1::JobRecord& b) { return EndOf(a) > EndOf(b); });
  size_t removed = 0;
  for (; keep + removed < over.size(); ++removed) {
    const std::string& old = over[keep + removed].job();
    for (const std::string& path : {folder.Token(old), folder.CancelRequest(old), folder.AttemptLock(old), folder.Record(old)}) {
      const Status gone = fs.Remove(path);
      if (!gone.ok() && !absl::IsNotFound(gone)) return Annotate(gone, "state folder");
    }
  }
  return removed;
}

}  // namespace deit::job
