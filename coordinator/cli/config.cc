// `deit-coord config check|show|diff`: validates a job file, shows it with everything filled in, compares two.
#include <cstdio>

#include "absl/strings/str_format.h"
#include "common/base/log.h"
#include "common/base/nearest.h"
#include "common/json/message_json.h"
#include "common/spec/limits.h"
#include "common/spec/load.h"
#include "coordinator/api/config.h"
#include "coordinator/cli/job_arguments.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

StatusOr<VerbExit> Check(const Arguments& arguments) {
  DEIT_ASSIGN_OR_RETURN(const std::string file, JobFile(arguments));
  DEIT_ASSIGN_OR_RETURN(const v1::ConfigCheck check, api::CheckConfig(file, arguments.overrides()));
  absl::PrintF("%s: valid, digest of its fields %s\n", check.path(), check.fields_digest());
  absl::PrintF("memory of one worker, about: %s\n", check.memory());
  for (const std::string& warning : check.warnings()) LogWarning(warning);
  return VerbExit::kDone;
}

StatusOr<VerbExit> Show(const Arguments& arguments) {
  DEIT_ASSIGN_OR_RETURN(const std::string format, OutputFormat(arguments, {"textproto", "json"}));
  DEIT_ASSIGN_OR_RETURN(const std::string file, JobFile(arguments));
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec job, api::ShowConfig(file, arguments.overrides()));
  if (format == "json") {
    std::fputs(json::ToJsonText(job).c_str(), stdout);
  } else {
    absl::PrintF("# digest of the RESULT fields, without what weights and data files hold: %s\n%s", api::FieldsDigest(job),
                 spec::SpecText(job));
    std::puts("# limits on waiting, each without progress, in order:");
    for (const spec::Limit& limit : spec::LimitsOf(job)) {
      absl::PrintF("# %10s  %s: %s\n", absl::FormatDuration(limit.length), limit.name, limit.meaning);
    }
  }
  return VerbExit::kDone;
}

// The schema's order: RESULT comes before EXECUTION.
void PrintTable(const v1::ConfigDiff& diff) {
  std::string effect;
  for (const v1::ConfigDifference& difference : diff.differences()) {
    if (difference.effect() != effect) std::puts(difference.effect() == "RESULT" ? "RESULT (other weights):" : "EXECUTION (same weights):");
    effect = difference.effect();
    absl::PrintF("  %s: %s -> %s\n", difference.path(), difference.before(), difference.after());
  }
}

StatusOr<VerbExit> Diff(const Arguments& arguments) {
  DEIT_ASSIGN_OR_RETURN(const std::string format, OutputFormat(arguments, {"table", "json"}));
  const std::vector<std::string>& words = arguments.words();
  if (words.size() != 3) return UsageError("config diff: want two job files", "deit-coord config diff A.textproto B.textproto");
  DEIT_ASSIGN_OR_RETURN(const v1::ConfigDiff diff, api::DiffConfig(words[1], words[2], arguments.overrides()));
  if (format == "json") std::fputs(json::ToJsonArray(diff.differences()).c_str(), stdout);
  else PrintTable(diff);
  return diff.differences().empty() ? VerbExit::kDone : VerbExit::kFailed;
}

StatusOr<VerbExit> RunConfig(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  if (words.empty()) return UsageError("config: no action given: want check, show or diff", "deit-coord help config");
  if (words[0] == "diff") return Diff(arguments);
  if (words[0] != "check" && words[0] != "show") {
    const std::string advice = DidYouMean(words[0], {"check", "show", "diff"});
    return UsageError(absl::StrCat("config: unknown action: ", words[0], advice), "deit-coord help config");
  }
  if (words.size() > 1) {
    return UsageError(absl::StrCat("config ", words[0], ": unexpected argument: ", words[1]), "the job file goes into --config=FILE");
  }
  return words[0] == "check" ? Check(arguments) : Show(arguments);
}

std::vector<Flag> ConfigFlags() {
  std::vector<Flag> flags = OutputFlags("textproto|table|json", ": a job as textproto or json, a comparison as table or json");
  flags.insert(flags.begin(), ConfigFlag());
  return flags;
}

}  // namespace

const Verb kConfig{
    .name = "config",
    .summary = "check a job file, show it with everything filled in, or compare two",
    .usage =
        {
            "config check --config=FILE [path=value ...]",
            "config show --config=FILE [--json] [path=value ...]",
            "config diff FILE_A FILE_B [--json] [path=value ...]",
        },
    .examples =
        {
            "deit-coord config show --config=configs/quickstart/student.textproto train.epochs=2",
            "deit-coord config diff configs/quickstart/student.textproto configs/quickstart/student_alone.textproto",
        },
    .flags = ConfigFlags(),
    .run = RunConfig,
};

}  // namespace deit::cli
