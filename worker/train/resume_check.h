// Check that a checkpoint's views are those that this job's sampler gives to its steps. Pure.
#pragma once

#include <cstdint>

#include "common/base/status.h"
#include "common/plan/ledger.h"
#include "common/plan/sampler.h"

namespace deit::train {

// FailedPrecondition (exit 73), naming an epoch, where `ledger`, of the first `steps` steps, has other counts of views than `sampler` gives them:
// what moves positions (batch size, number of images, drop_last) was changed, and whole epochs would be skipped or shown twice.
Status CheckSamePositions(const plan::Ledger& ledger, const plan::Sampler& sampler, uint64_t steps);

}  // namespace deit::train
