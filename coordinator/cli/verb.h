// A verb of deit-coord. Each verb is one file that defines one constant Verb, declared and listed in verbs.h.
#pragma once

#include <string>
#include <vector>

#include "common/base/status.h"
#include "coordinator/cli/arguments.h"
#include "coordinator/cli/exit_code.h"

namespace deit::cli {

struct Verb {
  std::string name;
  std::string summary;                  // one line in lower case for `help`
  std::vector<std::string> usage;       // one line per form, without the program: "plan --config=FILE --steps=A:B [path=value ...]"
  std::vector<std::string> examples;    // full command lines that work
  std::vector<Flag> flags;              // --help is added for every verb
  std::vector<std::string> notes = {};  // one line each, at the end of its help page: what its usage does not tell

  // Does the work; writes results to stdout with stdio. A failure is printed by main() as "deit-coord: error: ..." and a hint.
  StatusOr<VerbExit> (*run)(const Arguments& arguments);
};

// The help page of one verb: summary, usage, flags, examples, notes.
std::string HelpOf(const Verb& verb);

}  // namespace deit::cli
