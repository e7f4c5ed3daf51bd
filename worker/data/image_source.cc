#include "worker/data/image_source.h"

#include "common/base/exit_code.h"
#include "common/base/status.h"

namespace deit::data {

Status Unreadable(const Status& status) {
  const auto code = status.code() == absl::StatusCode::kDataLoss ? absl::StatusCode::kFailedPrecondition : status.code();
  return WithHint(WithExitCode(Status(code, status.message()), ExitCode::kMissingInput),
                  "put it back as it was (is its disk mounted?) and run again: the job goes on from its last checkpoint");
}

}  // namespace deit::data
