#include "coordinator/cli/confirm.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "absl/strings/str_format.h"
#include "coordinator/cli/exit_code.h"

namespace deit::cli {

Flag YesFlag(absl::string_view before) { return {.name = "yes", .value = "", .help = absl::StrCat(before, "do not ask")}; }

StatusOr<bool> Confirm(const Arguments& arguments, absl::string_view verb, absl::string_view question) {
  if (arguments.Has("yes")) return true;
  if (::isatty(STDIN_FILENO) == 0) {
    return UsageError(absl::StrCat(verb, ": cannot ask for confirmation: standard input is no terminal"), "add --yes");
  }
  absl::PrintF("%s [y/N] ", question);
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

}  // namespace deit::cli
