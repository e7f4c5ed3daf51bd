#include "common/base/nearest.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace deit {
namespace {

// Optimal string alignment distance: https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> two_back(b.size() + 1), back(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    two_back.swap(back);
    back.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({back[j] + 1, row[j - 1] + 1, back[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_back[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string Nearest(absl::string_view typed, const std::vector<std::string>& candidates) {
  constexpr size_t kLongestTyped = 100;  // longer input is not a typo; bounds the work
  std::string best;
  size_t best_distance = 0;
  if (typed.size() > kLongestTyped) return best;
  const std::string lower = absl::AsciiStrToLower(typed);
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(lower, absl::AsciiStrToLower(candidate));
    if (3 * distance > std::max(typed.size(), candidate.size())) continue;
    if (best.empty() || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string DidYouMean(absl::string_view typed, const std::vector<std::string>& candidates) {
  const std::string nearest = Nearest(typed, candidates);
  return nearest.empty() ? "" : absl::StrCat(", did you mean \"", nearest, "\"");
}

}  // namespace deit
