#include "coordinator/cli/verbs.h"

#include <array>

#include "common/base/nearest.h"

namespace deit::cli {
namespace {

constexpr std::array kAll = {
    &kRun, &kStatus, &kLogs, &kWait, &kCancel, &kCheckpoint, &kConfig, &kPlan, &kCompletion, &kVersion, &kHelp,
};

}  // namespace

absl::Span<const Verb* const> AllVerbs() { return kAll; }

StatusOr<const Verb*> FindVerb(const std::string& name) {
  if (name == kGuardian.name) return &kGuardian;  // not for people
  std::vector<std::string> names;
  for (const Verb* verb : AllVerbs()) {
    if (verb->name == name) return verb;
    names.push_back(verb->name);
  }
  return UsageError(absl::StrCat("unknown verb: ", name, DidYouMean(name, names)), "deit-coord help lists the verbs");
}

}  // namespace deit::cli
