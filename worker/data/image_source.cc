#include "worker/data/image_source.h"

#include "common/base/exit_code.h"
#include "common/base/status.h"
#include "worker/data/retry_read.h"

namespace deit::data {

Status Unreadable(const Status& status) {
  const auto code = status.code() == absl::StatusCode::kDataLoss ? absl::StatusCode::kFailedPrecondition : status.code();
  // A disk that fails today may work tomorrow: only what is missing is missing for every attempt.
  const ExitCode exit_code = MayPass(status) ? ExitCode::kCorrupt : ExitCode::kMissingInput;
  return WithHint(WithExitCode(Status(code, status.message()), exit_code),
                  "put it back as it was (is its disk mounted?) and run again: the job goes on from its last checkpoint");
}

}  // namespace deit::data
