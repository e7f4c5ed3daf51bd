// `deit-coord config check|show|diff`: is a job file right, what does it say with everything filled in, how do two differ.
#include <algorithm>
#include <cstdio>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/digest.h"
#include "common/base/nearest.h"
#include "common/json/json_text.h"
#include "common/spec/load.h"
#include "common/spec/spec_digest.h"
#include "coordinator/cli/job_arguments.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

// Weights and data are not read here, so this digest compares job files, not runs.
std::string FieldsDigest(const v1::JobSpec& job) { return DigestHex(spec::SpecDigest(job, {})); }

StatusOr<VerbExit> Check(const Arguments& arguments) {
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec job, LoadJob(arguments));
  absl::PrintF("%s: valid, digest of its fields %s\n", *arguments.Value("config"), FieldsDigest(job));
  return VerbExit::kDone;
}

StatusOr<VerbExit> Show(const Arguments& arguments) {
  DEIT_ASSIGN_OR_RETURN(const std::string format, OutputFormat(arguments, {"textproto", "json"}));
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec job, LoadJob(arguments));
  if (format == "json") {
    std::fputs(spec::SpecJson(job).c_str(), stdout);
  } else {
    absl::PrintF("# digest of the RESULT fields, without what weights and data files hold: %s\n%s", FieldsDigest(job), spec::SpecText(job));
  }
  return VerbExit::kDone;
}

void PrintTable(const std::vector<spec::FieldDifference>& differences) {
  for (const v1::Effect effect : {v1::RESULT, v1::EXECUTION}) {
    bool first = true;
    for (const spec::FieldDifference& difference : differences) {
      if (difference.effect != effect) continue;
      if (first) std::puts(effect == v1::RESULT ? "RESULT (other weights):" : "EXECUTION (same weights):");
      first = false;
      absl::PrintF("  %s\n", spec::ToString(difference));
    }
  }
}

void PrintJson(const std::vector<spec::FieldDifference>& differences) {
  std::vector<std::string> objects;
  for (const spec::FieldDifference& d : differences) {
    objects.push_back(absl::StrFormat("\n  {\"path\": %s, \"before\": %s, \"after\": %s, \"effect\": \"%s\"}", json::JsonQuote(d.path),
                                      json::JsonQuote(d.before), json::JsonQuote(d.after), v1::Effect_Name(d.effect)));
  }
  absl::PrintF("[%s%s]\n", absl::StrJoin(objects, ","), objects.empty() ? "" : "\n");
}

StatusOr<VerbExit> Diff(const Arguments& arguments) {
  DEIT_ASSIGN_OR_RETURN(const std::string format, OutputFormat(arguments, {"table", "json"}));
  if (arguments.words().size() != 3) return UsageError("config diff: want two job files", "deit-coord config diff A.textproto B.textproto");
  const spec::LoadOptions options{.working_folder = "", .default_name = "job"};  // other file names are no difference
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec before, spec::LoadSpec(arguments.words()[1], arguments.overrides(), options));
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec after, spec::LoadSpec(arguments.words()[2], arguments.overrides(), options));
  const std::vector<spec::FieldDifference> differences = spec::DiffSpecs(before, after);
  if (format == "json") PrintJson(differences);
  else PrintTable(differences);
  return differences.empty() ? VerbExit::kDone : VerbExit::kFailed;
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
