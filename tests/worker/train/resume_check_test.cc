#include "worker/train/resume_check.h"

#include <gtest/gtest.h>

#include "common/base/exit_code.h"

namespace deit::train {
namespace {

plan::Sampler SamplerOf(uint64_t images, uint64_t batch, bool drop_last = false) {
  plan::SamplerOptions options;
  options.images = images;
  options.batch_size = batch;
  options.drop_last = drop_last;
  return plan::Sampler::Create(options).value();
}

// Of the first steps of a job.
plan::Ledger LedgerOf(const plan::Sampler& sampler, uint64_t steps) {
  plan::Ledger ledger;
  for (uint64_t position = 0; position < steps * sampler.options().batch_size; ++position) ledger.Add(sampler.At(position), 7);
  return ledger;
}

TEST(ResumeCheckTest, TheSameJobGoesOnAtAnyStep) {
  for (const auto& sampler : {SamplerOf(100, 32), SamplerOf(100, 32, true), SamplerOf(10, 24), SamplerOf(96, 32)}) {
    for (uint64_t steps = 0; steps < 12; ++steps) {
      const Status same = CheckSamePositions(LedgerOf(sampler, steps), sampler, steps);
      EXPECT_TRUE(same.ok()) << steps << same;
    }
  }
}

TEST(ResumeCheckTest, AChangeThatMovesPositionsIsRefused) {
  const plan::Ledger ledger = LedgerOf(SamplerOf(100, 32), 8);
  for (const auto& sampler : {SamplerOf(100, 64), SamplerOf(100, 16), SamplerOf(100, 32, true), SamplerOf(90, 32), SamplerOf(120, 32)}) {
    const Status changed = CheckSamePositions(ledger, sampler, 8);
    EXPECT_EQ(ExitCodeOf(changed), ExitCode::kRunFolder) << changed;
    EXPECT_NE(HintOf(changed).find("model.init_from"), std::string::npos);
  }
  EXPECT_FALSE(CheckSamePositions(ledger, SamplerOf(100, 32), 7).ok());
}

}  // namespace
}  // namespace deit::train
