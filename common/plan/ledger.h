// Ledger of trained views, the proof of law 2: per epoch, a count and an order-independent sum of hashes. Two histories that used the same
// views with the same pixels have equal ledgers, no matter which worker computed what in which order; a view used twice, left out or with
// one other pixel shows.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "common/plan/sampler.h"

namespace deit::plan {

struct LedgerEntry {
  uint64_t epoch;
  uint64_t count;  // views
  uint64_t sum;    // of Hash(position, pixel digest), mod 2^64
  bool operator==(const LedgerEntry&) const = default;
};

// Not thread-safe.
class Ledger {
 public:
  Ledger() = default;
  explicit Ledger(const std::vector<LedgerEntry>& entries);  // as saved by Entries(); entries of one epoch are summed

  // `pixel_digest`: Digest64 of the view's pixels as the student sees them, after mixing.
  void Add(const View& view, uint64_t pixel_digest);
  void Merge(const Ledger& other);

  std::vector<LedgerEntry> Entries() const;  // by epoch, ascending
  bool operator==(const Ledger&) const = default;

  // Mix(Mix(position + 0x9E3779B97F4A7C15) + digest), Mix being SplitMix64's finalizer (Steele et al., OOPSLA 2014).
  static uint64_t Hash(uint64_t position, uint64_t pixel_digest);

 private:
  struct Tally {
    uint64_t count = 0, sum = 0;
    bool operator==(const Tally&) const = default;
  };
  std::map<uint64_t, Tally> tallies_;
};

}  // namespace deit::plan
