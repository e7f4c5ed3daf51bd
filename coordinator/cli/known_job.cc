#include "coordinator/cli/known_job.h"

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "common/base/unix_time.h"
#include "common/job/job_record.h"
#include "common/text/printable.h"
#include "coordinator/cli/exit_code.h"

namespace deit::cli {

StatusOr<KnownJob> KnownJob::Find(const std::string& verb, const Arguments& arguments) {
  std::vector<std::string> words = arguments.words();
  words.insert(words.end(), arguments.overrides().begin(), arguments.overrides().end());
  if (words.empty()) return UsageError(absl::StrCat(verb, ": no job given"), "deit-coord status lists the jobs");
  if (words.size() > 1) return UsageError(absl::StrCat(verb, ": unexpected argument: ", words[1]));
  return Find(words[0]);
}

StatusOr<KnownJob> KnownJob::Find(const std::string& word) {
  DEIT_ASSIGN_OR_RETURN(job::StateFolder folder, job::StateFolder::FromEnvironment());
  auto record = job::FindJobRecord(files::FileSystem::Posix(), folder, word);
  if (absl::IsInvalidArgument(record.status())) return WithVerbExit(record.status(), VerbExit::kUsage);
  DEIT_RETURN_IF_ERROR(record.status());
  return KnownJob(std::move(folder), *std::move(record));
}

JobSnapshot KnownJob::Look() {
  auto& fs = files::FileSystem::Posix();
  if (auto newest = job::ReadJobRecord(fs, folder_, record_.job()); newest.ok()) {
    newest->set_run_dir(record_.run_dir());  // where it was found
    record_ = *std::move(newest);
  }
  JobSnapshot look{.seen = job::Observe(fs, folder_, record_), .health = {}};
  look.health = job::ResolveJobState(look.seen.record, look.seen.signs, UnixSeconds(absl::Now()));
  return look;
}

std::string KnownJob::Title() const { return absl::StrCat("job ", id(), " (", text::Printable(record_.name()), ")"); }

std::string StateText(const job::JobHealth& health) {
  return absl::StrCat(v1::JobState::Value_Name(health.state), health.reason.empty() ? "" : ": ", text::Printable(health.reason));
}

StatusOr<absl::Duration> ParseSeconds(const std::string& flag, const std::string& text) {
  double seconds = 0;
  absl::Duration duration;
  if (absl::SimpleAtod(text, &seconds)) duration = absl::Seconds(seconds);
  else if (!absl::ParseDuration(text, &duration))
    return UsageError(absl::StrCat("--", flag, ": ", text, ": want seconds, such as 5 or 0.5"));
  if (!(duration >= absl::ZeroDuration())) return UsageError(absl::StrCat("--", flag, ": ", text, ": want a time that is not negative"));
  return duration;
}

}  // namespace deit::cli
