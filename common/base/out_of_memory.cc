#include "common/base/out_of_memory.h"

#include <unistd.h>

#include <new>

#include "common/base/exit_code.h"
#include "common/base/failure.h"

namespace deit {
namespace {

[[noreturn]] void SayAndExit() {
  std::set_new_handler(nullptr);  // what the message itself needs must not come here again
  const Status status = OutOfMemory("new");
  LogFailure(status);
  ::_exit(static_cast<int>(ExitCodeOf(status)));
}

}  // namespace

Status OutOfMemory(absl::string_view what) {
  return WithHint(WithExitCode(absl::ResourceExhaustedError(absl::StrCat(what, ": not enough memory")), ExitCode::kBadConfig),
                  "lower train.batch_size or evaluate.batch_size, raise train.lanes, or choose a smaller model");
}

void InstallOutOfMemoryHandler() { std::set_new_handler(SayAndExit); }

}  // namespace deit
