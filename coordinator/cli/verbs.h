// The list of verbs. A new verb: its file defines `const Verb kName{...}`, one declaration here, one entry in verbs.cc.
#pragma once

#include "absl/types/span.h"
#include "coordinator/cli/verb.h"

namespace deit::cli {

extern const Verb kCancel;
extern const Verb kCheckpoint;
extern const Verb kCompletion;
extern const Verb kConfig;
extern const Verb kGuardian;
extern const Verb kHelp;
extern const Verb kLogs;
extern const Verb kPlan;
extern const Verb kRun;
extern const Verb kStatus;
extern const Verb kVersion;
extern const Verb kWait;

// All verbs for people, in the order in which `help` lists them.
absl::Span<const Verb* const> AllVerbs();

// The verb of that name; a usage error with the nearest name otherwise.
StatusOr<const Verb*> FindVerb(const std::string& name);

}  // namespace deit::cli
