// `deit-coord guardian`: what `deit-coord run` starts for each attempt; not for people, so help does not list it.
#include "coordinator/guardian/guardian.h"

#include "absl/strings/numbers.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

StatusOr<VerbExit> RunGuardian(const Arguments& arguments) {
  int attempt = 0;
  if (arguments.words().size() != 2 || !absl::SimpleAtoi(arguments.words()[1], &attempt)) {
    return UsageError("guardian: want RUN_DIR ATTEMPT", "deit-coord run starts it");
  }
  DEIT_RETURN_IF_ERROR(guardian::RunGuardian(run::RunFolder(arguments.words()[0]), attempt));
  return VerbExit::kDone;
}

}  // namespace

const Verb kGuardian{
    .name = "guardian",
    .summary = "keep one attempt of a job (started by run)",
    .usage = {"guardian RUN_DIR ATTEMPT"},
    .examples = {"deit-coord guardian runs/first 1"},
    .flags = {},
    .run = RunGuardian,
};

}  // namespace deit::cli
