// `deit-coord help [VERB]`: the list of verbs, or one verb's page.
#include <algorithm>
#include <cstdio>

#include "absl/strings/str_format.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

std::string Overview() {
  std::string text =
      "deit-coord: launch, watch and inspect distributed DeiT training\n\n"
      "usage:\n  deit-coord VERB [flags] [arguments]\n\nverbs:\n";
  int width = 0;
  for (const Verb* verb : AllVerbs()) width = std::max(width, static_cast<int>(verb->name.size()));
  for (const Verb* verb : AllVerbs()) absl::StrAppendFormat(&text, "  %-*s  %s\n", width, verb->name, verb->summary);
  absl::StrAppend(&text, "\nexit codes:\n");
  for (const auto& [code, meaning] : AllVerbExits()) absl::StrAppendFormat(&text, "  %3d  %s\n", static_cast<int>(code), meaning);
  absl::StrAppend(&text, "\n`deit-coord help VERB` or `deit-coord VERB --help` explains one verb.\n");
  return text;
}

StatusOr<VerbExit> RunHelp(const Arguments& arguments) {
  if (arguments.words().size() > 1) return UsageError("help: at most one verb");
  std::string text = Overview();
  if (!arguments.words().empty()) {
    DEIT_ASSIGN_OR_RETURN(const Verb* verb, FindVerb(arguments.words()[0]));
    text = HelpOf(*verb);
  }
  std::fputs(text.c_str(), stdout);
  return VerbExit::kDone;
}

}  // namespace

const Verb kHelp{
    .name = "help",
    .summary = "list the verbs, or explain one",
    .usage = {"help [VERB]"},
    .examples = {"deit-coord help config"},
    .flags = {},
    .run = RunHelp,
};

}  // namespace deit::cli
