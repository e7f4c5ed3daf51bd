#include "coordinator/cli/known_job.h"

#include "absl/strings/numbers.h"
#include "coordinator/cli/exit_code.h"

namespace deit::cli {

StatusOr<api::Environment> ProcessEnvironment() {
  DEIT_ASSIGN_OR_RETURN(job::StateFolder folder, job::StateFolder::FromEnvironment());
  return api::Environment{.fs = &files::FileSystem::Posix(), .clock = &Clock::System(), .state_folder = std::move(folder)};
}

StatusOr<api::JobHandle> FindJob(const std::string& verb, const Arguments& arguments) {
  std::vector<std::string> words = arguments.words();
  words.insert(words.end(), arguments.overrides().begin(), arguments.overrides().end());  // a run folder's name may hold '='
  if (words.empty()) return UsageError(absl::StrCat(verb, ": no job given"), "deit-coord status lists the jobs");
  if (words.size() > 1) return UsageError(absl::StrCat(verb, ": unexpected argument: ", words[1]));
  DEIT_ASSIGN_OR_RETURN(const api::Environment environment, ProcessEnvironment());
  auto job = api::JobHandle::Find(environment, words[0]);
  if (absl::IsInvalidArgument(job.status())) return WithVerbExit(job.status(), VerbExit::kUsage);
  return job;
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
