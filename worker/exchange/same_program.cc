#include "worker/exchange/same_program.h"

#include "absl/strings/str_cat.h"
#include "common/base/digest.h"
#include "worker/exchange/agreement.h"

namespace deit::exchange {

Status ProveSameProgram(collective::Communicator& world, collective::Deadline deadline, absl::string_view build_id) {
  const uint64_t own = Digest64(build_id.data(), build_id.size());
  DEIT_ASSIGN_OR_RETURN(const auto programs, ShareNumbers(world, deadline, own, "comparing programs"));
  Status mine;
  if (own != programs[0]) {
    mine = WithHint(absl::InvalidArgumentError(absl::StrCat("deit-worker: build ", build_id, ": worker 0 runs another")),
                    "install the same deit-worker on all hosts");
  }
  return Agree(world, deadline, mine, "comparing programs");
}

}  // namespace deit::exchange
