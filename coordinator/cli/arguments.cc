#include "coordinator/cli/arguments.h"

#include <algorithm>
#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "common/base/nearest.h"
#include "coordinator/cli/exit_code.h"

namespace deit::cli {
namespace {

bool LooksLikeFlag(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

// An override is path=value with a path of letters, digits, '_' and '.'; so ./a=b stays a file name.
bool LooksLikeOverride(const std::string& word) {
  const size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0) return false;
  return std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  });
}

const Flag* Find(const std::string& word, absl::Span<const Flag> allowed) {
  const bool is_long = absl::StartsWith(word, "--");
  const std::string name = absl::StrReplaceAll(word.substr(is_long ? 2 : 1), {{"-", "_"}});
  for (const Flag& flag : allowed) {
    if (is_long ? flag.name == name : (name.size() == 1 && flag.letter == name[0])) return &flag;
  }
  return nullptr;
}

Status UnknownFlag(const std::string& word, absl::Span<const Flag> allowed) {
  std::vector<std::string> known;
  for (const Flag& flag : allowed) known.push_back(absl::StrCat("--", flag.name));
  return UsageError(absl::StrCat("unknown flag: ", word, DidYouMean(absl::StrReplaceAll(word, {{"-", "_"}, {"--", "--"}}), known)));
}

}  // namespace

StatusOr<Arguments> Arguments::Parse(absl::Span<const std::string> words, absl::Span<const Flag> allowed) {
  Arguments result;
  bool flags_ended = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (flags_ended || !LooksLikeFlag(word)) {
      (LooksLikeOverride(word) ? result.overrides_ : result.words_).push_back(word);
      continue;
    }
    if (word == "--") {
      flags_ended = true;
      continue;
    }
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const Flag* flag = Find(name, allowed);
    if (flag == nullptr) return UnknownFlag(name, allowed);
    const bool has_value = equals != std::string::npos;
    if (flag->value.empty()) {
      if (has_value) return UsageError(absl::StrCat(name, ": takes no value"));
      result.flags_[flag->name] = "";
    } else if (has_value) {
      result.flags_[flag->name] = word.substr(equals + 1);
    } else if (!flag->implied.empty()) {
      result.flags_[flag->name] = flag->implied;
    } else if (i + 1 < words.size()) {
      result.flags_[flag->name] = words[++i];
    } else {
      return UsageError(absl::StrCat(name, ": value missing: ", name, "=", flag->value));
    }
  }
  return result;
}

bool Arguments::Has(absl::string_view name) const { return flags_.find(name) != flags_.end(); }

std::optional<std::string> Arguments::Value(absl::string_view name) const {
  const auto found = flags_.find(name);
  if (found == flags_.end()) return std::nullopt;
  return found->second;
}

}  // namespace deit::cli
