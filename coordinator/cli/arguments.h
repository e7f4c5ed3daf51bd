// A verb's command line: its flags (each verb allows only its own) and its other words.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/base/status.h"

namespace deit::cli {

struct Flag {
  std::string name;          // with underscores: "max_restarts"
  std::string value;         // what follows, as help shows it: "FILE"; empty: a switch
  std::string help;          // one line
  char letter = 0;           // short form: 'o' for -o; 0: none
  std::string implied = "";  // value of the bare flag, where it may be left out: "2" for --watch[=SECONDS]; then only '=' gives one
};

// The parsed words. Flags may stand anywhere, as --name=VALUE or --name VALUE, with dashes or underscores; the last of a
// repeated flag counts; "--" ends the flags. Immutable.
class Arguments {
 public:
  // Fails with a usage error: unknown flag (nearest one suggested), value missing, value given to a switch.
  static StatusOr<Arguments> Parse(absl::Span<const std::string> words, absl::Span<const Flag> allowed);

  bool Has(absl::string_view name) const;
  std::optional<std::string> Value(absl::string_view name) const;

  const std::vector<std::string>& words() const { return words_; }          // neither flag nor override
  const std::vector<std::string>& overrides() const { return overrides_; }  // words of the form path=value

 private:
  std::map<std::string, std::string, std::less<>> flags_;
  std::vector<std::string> words_;
  std::vector<std::string> overrides_;
};

}  // namespace deit::cli
