#include "coordinator/cli/verb.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace deit::cli {
namespace {

std::string Spelled(const Flag& flag) {
  const std::string letter = flag.letter == 0 ? "" : absl::StrFormat("-%c, ", flag.letter);
  const std::string value = flag.value.empty() ? "" : absl::StrCat("=", flag.value);
  return absl::StrCat(letter, "--", flag.name, flag.implied.empty() ? value : absl::StrCat("[", value, "]"));
}

}  // namespace

std::string HelpOf(const Verb& verb) {
  std::string text = absl::StrCat("deit-coord ", verb.name, ": ", verb.summary, "\n\nusage:\n");
  for (const std::string& line : verb.usage) absl::StrAppend(&text, "  deit-coord ", line, "\n");
  if (!verb.flags.empty()) {
    int width = 0;
    for (const Flag& flag : verb.flags) width = std::max(width, static_cast<int>(Spelled(flag).size()));
    absl::StrAppend(&text, "\nflags:\n");
    for (const Flag& flag : verb.flags) absl::StrAppendFormat(&text, "  %-*s  %s\n", width, Spelled(flag), flag.help);
  }
  absl::StrAppend(&text, "\n", verb.examples.size() == 1 ? "example:\n" : "examples:\n");
  for (const std::string& line : verb.examples) absl::StrAppend(&text, "  ", line, "\n");
  if (!verb.notes.empty()) absl::StrAppend(&text, "\nnotes:\n");
  for (const std::string& line : verb.notes) absl::StrAppend(&text, "  ", line, "\n");
  return text;
}

}  // namespace deit::cli
