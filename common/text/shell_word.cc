#include "common/text/shell_word.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace deit::text {
namespace {

bool IsShellSafe(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::string_view("_-./:=@%+,").find(c) != absl::string_view::npos;
}

bool IsShellControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Bash's $'...', which names control characters.
std::string AnsiQuoted(absl::string_view text) {
  std::string quoted = "$'";
  for (const char c : text) {
    if (IsShellControl(c)) absl::StrAppendFormat(&quoted, "\\%03o", static_cast<unsigned>(static_cast<unsigned char>(c)));
    else if (c == '\'' || c == '\\') absl::StrAppend(&quoted, "\\", std::string(1, c));
    else quoted.push_back(c);
  }
  return quoted + "'";
}

}  // namespace

std::string ShellWord(absl::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), IsShellSafe)) return std::string(text);
  if (std::any_of(text.begin(), text.end(), IsShellControl)) return AnsiQuoted(text);
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

}  // namespace deit::text
