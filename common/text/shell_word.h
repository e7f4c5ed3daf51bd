// Words of a command line that a message suggests.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace deit::text {

// `text` as one word for bash: unchanged where that is one, else in quotes; on one line whatever it holds. Pure.
std::string ShellWord(absl::string_view text);

}  // namespace deit::text
