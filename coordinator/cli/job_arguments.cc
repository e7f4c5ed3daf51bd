#include "coordinator/cli/job_arguments.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "common/base/nearest.h"
#include "common/spec/load.h"
#include "coordinator/cli/exit_code.h"

namespace deit::cli {

Flag ConfigFlag() { return {.name = "config", .value = "FILE", .help = "the job file: textproto, or JSON where it ends in .json"}; }

std::vector<Flag> OutputFlags(absl::string_view formats, absl::string_view note) {
  return {
      {.name = "output", .value = std::string(formats), .help = absl::StrCat("how to print", note), .letter = 'o'},
      {.name = "json", .value = "", .help = "the same as --output=json"},
  };
}

StatusOr<std::string> JobFile(const Arguments& arguments) {
  const std::optional<std::string> file = arguments.Value("config");
  if (!file || file->empty()) return UsageError("no job file given", "add --config=FILE");
  return *file;
}

StatusOr<v1::JobSpec> LoadJob(const Arguments& arguments) {
  DEIT_ASSIGN_OR_RETURN(const std::string file, JobFile(arguments));
  return spec::LoadSpec(file, arguments.overrides());
}

StatusOr<std::string> OutputFormat(const Arguments& arguments, const std::vector<std::string>& known) {
  const std::string chosen = arguments.Has("json") ? "json" : arguments.Value("output").value_or(known.front());
  if (std::find(known.begin(), known.end(), chosen) != known.end()) return chosen;
  return UsageError(absl::StrCat("--output: ", chosen, ": want one of ", absl::StrJoin(known, ", "), DidYouMean(chosen, known)));
}

}  // namespace deit::cli
