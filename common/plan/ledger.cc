#include "common/plan/ledger.h"

namespace deit::plan {
namespace {

uint64_t Mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

}  // namespace

uint64_t Ledger::Hash(uint64_t position, uint64_t pixel_digest) { return Mix(Mix(position + 0x9E3779B97F4A7C15) + pixel_digest); }

Ledger::Ledger(const std::vector<LedgerEntry>& entries) {
  for (const LedgerEntry& entry : entries) {
    Tally& tally = tallies_[entry.epoch];
    tally.count += entry.count;
    tally.sum += entry.sum;
  }
}

void Ledger::Add(const View& view, uint64_t pixel_digest) {
  Tally& tally = tallies_[view.epoch];
  ++tally.count;
  tally.sum += Hash(view.position, pixel_digest);
}

void Ledger::Merge(const Ledger& other) {
  for (const auto& [epoch, tally] : other.tallies_) {
    Tally& mine = tallies_[epoch];
    mine.count += tally.count;
    mine.sum += tally.sum;
  }
}

std::vector<LedgerEntry> Ledger::Entries() const {
  std::vector<LedgerEntry> entries;
  for (const auto& [epoch, tally] : tallies_) entries.push_back({epoch, tally.count, tally.sum});
  return entries;
}

}  // namespace deit::plan
