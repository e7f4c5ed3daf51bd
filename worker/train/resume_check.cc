#include "worker/train/resume_check.h"

#include <algorithm>

#include "common/base/exit_code.h"

namespace deit::train {

Status CheckSamePositions(const plan::Ledger& ledger, const plan::Sampler& sampler, uint64_t steps) {
  const uint64_t positions = steps * sampler.options().batch_size, per_epoch = sampler.positions_per_epoch();
  const auto differ = [](uint64_t epoch, uint64_t saved, uint64_t wanted) {
    const std::string message = absl::StrCat("epoch ", epoch, ": ", saved, " views are in it, this job's steps have ", wanted,
                                             ": train.batch_size, train.drop_last or the number of images was changed");
    return WithHint(WithExitCode(absl::FailedPreconditionError(message), ExitCode::kRunFolder),
                    "give the job its old values, or choose another run_dir and begin with model.init_from=CHECKPOINT");
  };
  uint64_t next_epoch = 0, counted = 0;
  for (const plan::LedgerEntry& entry : ledger.Entries()) {
    if (entry.epoch != next_epoch++) return differ(next_epoch - 1, 0, std::min(per_epoch, positions - counted));
    const uint64_t wanted = std::min(per_epoch, positions - counted);
    if (entry.count != wanted) return differ(entry.epoch, entry.count, wanted);
    counted += wanted;
  }
  return counted == positions ? absl::OkStatus() : differ(next_epoch, 0, std::min(per_epoch, positions - counted));
}

}  // namespace deit::train
