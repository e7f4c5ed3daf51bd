// DEIT_STATE_DIR/jobs/ID.json: the job record that every process of this user can read. The job's owner writes it. All functions are
// thread-safe; a record has one writer at a time.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/files/file_system.h"
#include "common/job/state_folder.h"
#include "proto/job.pb.h"

namespace deit::job {

// Replaces the record: atomic for readers. A record with an end is durable too; the others are soon replaced by their owner.
Status WriteJobRecord(files::FileSystem& fs, const StateFolder& folder, const v1::JobRecord& record);

// NotFound: no such job. DataLoss: its file is broken, or holds another job.
StatusOr<v1::JobRecord> ReadJobRecord(files::FileSystem& fs, const StateFolder& folder, const std::string& job);

struct JobRecords {
  std::vector<v1::JobRecord> records;  // by job id
  std::vector<Status> unreadable;      // one for each file that could not be read; the message begins with its path
};

// Every record there is. No state folder is no record; fails only if it cannot be listed.
StatusOr<JobRecords> ListJobRecords(files::FileSystem& fs, const StateFolder& folder);

// The job that a user means by `word`: its id, the beginning of no other id, or its run folder (also one that was moved since; then
// run_dir is where it is now). NotFound: there is none. InvalidArgument: an ambiguous prefix; the message lists the matches.
StatusOr<v1::JobRecord> FindJobRecord(files::FileSystem& fs, const StateFolder& folder, const std::string& word);

// How many jobs that are over stay known.
inline constexpr size_t kEndedJobsKept = 200;

// Called by the owner of `job` at its start. Of the other jobs that are over (an end is recorded, or none of their processes lives)
// the newest `keep` stay; the files of the rest go, and records that a crash left without a byte. Run folders are not touched.
// Returns how many jobs went, not counting those without a byte.
StatusOr<size_t> PruneJobRecords(files::FileSystem& fs, const StateFolder& folder, const std::string& job, size_t keep = kEndedJobsKept);

}  // namespace deit::job
