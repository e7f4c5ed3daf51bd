#include "coordinator/cli/bash_completion.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace deit::cli {
namespace {

// The part of the script that is the same for any table. Bash splits --flag=value into three words.
constexpr char kEngine[] = R"bash(_deit_coord() {
  local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} flag='' candidates=''
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "$(_deit_coord_verbs)" -- "$word")
    return
  fi
  if [[ $word == '=' ]]; then
    flag=${COMP_WORDS[COMP_CWORD - 1]} word=''
  elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == '=' ]]; then
    flag=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if [[ -n $flag ]]; then
    candidates=$(_deit_coord_values "$verb $flag")
  elif [[ $word == -* ]]; then
    candidates=$(_deit_coord_flags "$verb")
  elif ((COMP_CWORD == 2)); then
    candidates=$(_deit_coord_first "$verb" "$1")
  fi
  if [[ -n $candidates ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$word")
  fi
  if [[ ${#COMPREPLY[@]} -eq 0 && $word != -* ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  elif [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -F _deit_coord deit-coord
)bash";

// A flag as it is typed: "--json", "--config=".
std::string Typed(const Flag& flag) { return absl::StrCat("--", flag.name, flag.value.empty() || !flag.implied.empty() ? "" : "="); }

// "out|err" are choices; of "K|all" only the second is one.
std::vector<std::string> ChoicesOf(const Flag& flag) {
  std::vector<std::string> choices;
  if (flag.value.find('|') == std::string::npos) return choices;
  for (absl::string_view choice : absl::StrSplit(flag.value, '|')) {
    if (std::all_of(choice.begin(), choice.end(), [](unsigned char c) { return absl::ascii_islower(c); })) choices.emplace_back(choice);
  }
  return choices;
}

std::string NamesOf(absl::Span<const Verb* const> verbs) {
  return absl::StrJoin(verbs, " ", [](std::string* out, const Verb* verb) { out->append(verb->name); });
}

std::string Echo(const std::string& words) { return absl::StrCat("echo '", words, "'"); }

// The command that prints what may follow the verb, by the second word of its usage lines; empty: a file, or nothing.
std::string FirstWordsOf(const Verb& verb, absl::Span<const Verb* const> verbs) {
  std::set<std::string> actions;
  for (const std::string& line : verb.usage) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (words.size() < 2) continue;
    absl::string_view second = words[1];
    absl::ConsumePrefix(&second, "[");
    absl::ConsumeSuffix(&second, "]");
    if (second == "JOB") return "\"$2\" status -o name 2>/dev/null";  // $2: deit-coord as it was typed
    if (second == "VERB") return Echo(NamesOf(verbs));
    if (std::all_of(second.begin(), second.end(), [](unsigned char c) { return absl::ascii_islower(c); })) actions.emplace(second);
  }
  return actions.empty() ? "" : Echo(absl::StrJoin(actions, " "));
}

std::string Case(const std::string& pattern, const std::string& command) { return absl::StrCat("    ", pattern, ") ", command, " ;;\n"); }

}  // namespace

std::string BashCompletion(absl::Span<const Verb* const> verbs) {
  std::string flags, values, first;
  for (const Verb* verb : verbs) {
    std::vector<std::string> typed{"--help"};
    for (const Flag& flag : verb->flags) {
      typed.push_back(Typed(flag));
      const std::vector<std::string> choices = ChoicesOf(flag);
      if (!choices.empty())
        absl::StrAppend(&values, Case(absl::StrCat("'", verb->name, " --", flag.name, "'"), Echo(absl::StrJoin(choices, " "))));
    }
    std::sort(typed.begin(), typed.end());
    absl::StrAppend(&flags, Case(verb->name, Echo(absl::StrJoin(typed, " "))));
    const std::string words = FirstWordsOf(*verb, verbs);
    if (!words.empty()) absl::StrAppend(&first, Case(verb->name, words));
  }
  const auto function = [](absl::string_view name, absl::string_view of, absl::string_view cases) {
    return absl::StrCat("_deit_coord_", name, "() {\n  case \"", of, "\" in\n", cases, "  esac\n}\n");
  };
  return absl::StrCat("# bash completion for deit-coord: source <(deit-coord completion bash)\n", "_deit_coord_verbs() {\n  echo '",
                      NamesOf(verbs), "'\n}\n", function("flags", "$1", flags), function("values", "$1", values),
                      function("first", "$1", first), kEngine);
}

}  // namespace deit::cli
