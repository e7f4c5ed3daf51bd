// `deit-coord completion bash`: the script that makes a shell complete verbs, flags and job ids.
#include <cstdio>

#include "common/base/nearest.h"
#include "coordinator/cli/bash_completion.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

StatusOr<VerbExit> RunCompletion(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  if (words.size() != 1) return UsageError("completion: want one shell: bash", "source <(deit-coord completion bash)");
  if (words[0] != "bash") return UsageError(absl::StrCat("completion: ", words[0], ": want bash", DidYouMean(words[0], {"bash"})));
  std::fputs(BashCompletion(AllVerbs()).c_str(), stdout);
  return VerbExit::kDone;
}

}  // namespace

const Verb kCompletion{
    .name = "completion",
    .summary = "print a script that makes the shell complete verbs, flags and job ids",
    .usage = {"completion bash"},
    .examples = {"source <(deit-coord completion bash)"},
    .flags = {},
    .run = RunCompletion,
};

}  // namespace deit::cli
