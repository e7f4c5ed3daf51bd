// Spelling suggestions: the known name closest to a mistyped one ("did you mean").
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace deit {

// The candidate with the smallest edit distance (insert, delete, replace, swap of neighbours; case counts as equal), or empty when none is
// within a third of the longer name's length. The first of several equally near ones.
std::string Nearest(absl::string_view typed, const std::vector<std::string>& candidates);

// ", did you mean NAME" (quoted) or empty: to append to a message.
std::string DidYouMean(absl::string_view typed, const std::vector<std::string>& candidates);

}  // namespace deit
