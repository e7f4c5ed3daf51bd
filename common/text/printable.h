// Sanitises text from files and users for one terminal line. Pure.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace deit::text {

// `text` with a '?' for each control character and each byte that is not UTF-8: what a job is named cannot move a cursor.
std::string Printable(absl::string_view text);

// Characters of UTF-8 text. Each counts as one column, which holds for all but East Asian wide and combining ones.
size_t Width(absl::string_view text);

// `text` itself where it fits, else its beginning and "...", `width` characters in all (at least 3).
std::string CutTo(absl::string_view text, size_t width);

}  // namespace deit::text
