#include "common/plan/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "common/plan/philox.h"

namespace deit::plan {
namespace {

struct Trained {
  View view;
  uint64_t digest;
};

std::vector<Trained> History(uint64_t positions) {
  const Sampler sampler = Sampler::Create({.images = 97, .batch_size = 8, .repeated_aug = 3}).value();
  std::vector<Trained> history;
  for (uint64_t position = 0; position < positions; ++position) {
    history.push_back({sampler.At(position), RandomStream(1, position, Purpose::kSyntheticImage).Next64()});
  }
  return history;
}

Ledger LedgerOf(const std::vector<Trained>& history) {
  Ledger ledger;
  for (const Trained& trained : history) ledger.Add(trained.view, trained.digest);
  return ledger;
}

TEST(LedgerTest, CountsViewsPerEpoch) {
  const std::vector<LedgerEntry> entries = LedgerOf(History(200)).Entries();
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].epoch, 0U);
  EXPECT_EQ(entries[0].count, 97U);
  EXPECT_EQ(entries[1].count, 97U);
  EXPECT_EQ(entries[2].epoch, 2U);
  EXPECT_EQ(entries[2].count, 6U);
}

TEST(LedgerTest, DoesNotDependOnOrderOrOnWhoCounted) {
  std::vector<Trained> history = History(200);
  const Ledger whole = LedgerOf(history);
  std::reverse(history.begin(), history.end());
  EXPECT_EQ(LedgerOf(history), whole);
  Ledger merged = LedgerOf({history.begin(), history.begin() + 61});
  merged.Merge(LedgerOf({history.begin() + 61, history.end()}));
  EXPECT_EQ(merged, whole);
  EXPECT_EQ(Ledger(whole.Entries()), whole);
}

TEST(LedgerTest, ShowsAViewUsedTwiceLeftOutOrAltered) {
  const std::vector<Trained> history = History(200);
  const Ledger whole = LedgerOf(history);
  std::vector<Trained> twice = history, skipped = history, altered = history, replaced = history, exchanged = history;
  twice.push_back(twice[5]);
  skipped.pop_back();
  altered[5].digest ^= 1;
  replaced[5] = replaced[6];
  std::swap(exchanged[5].digest, exchanged[6].digest);
  for (const auto& other : {twice, skipped, altered, replaced, exchanged}) EXPECT_FALSE(LedgerOf(other) == whole);
  EXPECT_EQ(LedgerOf(replaced).Entries()[0].count, whole.Entries()[0].count);
}

// Checkpoints hold sums of it: it never changes.
TEST(LedgerTest, HashesAsDocumented) {
  EXPECT_EQ(Ledger::Hash(0, 0), 5197578548964807871U);
  EXPECT_EQ(Ledger::Hash(123456789, 0xDEADBEEFDEADBEEF), 16705155919714025912U);
}

TEST(LedgerTest, SumsWrapAround) {
  Ledger ledger({{0, 1, ~uint64_t{0}}});
  ledger.Merge(Ledger({{0, 2, 5}}));
  EXPECT_EQ(ledger.Entries(), (std::vector<LedgerEntry>{{0, 3, 4}}));
}

}  // namespace
}  // namespace deit::plan
