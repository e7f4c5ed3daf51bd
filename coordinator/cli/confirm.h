// One question before something that cannot be undone.
#pragma once

#include "coordinator/cli/arguments.h"

namespace deit::cli {

// --yes, for a verb's table of flags. `before` stands before its help: "prune: ".
Flag YesFlag(absl::string_view before = "");

// True with --yes, or when a person answers so. Without --yes and without a terminal to ask on, a usage error that begins with `verb`.
StatusOr<bool> Confirm(const Arguments& arguments, absl::string_view verb, absl::string_view question);

}  // namespace deit::cli
