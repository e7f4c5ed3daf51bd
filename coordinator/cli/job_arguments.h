// The flag --config, the words path=value and the output format of verbs about a job file.
#pragma once

#include "coordinator/cli/arguments.h"
#include "proto/spec.pb.h"

namespace deit::cli {

// --config=FILE, for a verb's table of flags.
Flag ConfigFlag();

// -o FORMAT and --json (the same as -o json); `formats` as help shows them: "table|json". `note`: what else help says.
std::vector<Flag> OutputFlags(absl::string_view formats, absl::string_view note = "");

// The value of --config; a usage error without it.
StatusOr<std::string> JobFile(const Arguments& arguments);

// The job that --config and the overrides describe, resolved and valid. A usage error without --config; a missing file exits 3,
// a wrong one 7.
StatusOr<v1::JobSpec> LoadJob(const Arguments& arguments);

// The chosen format, one of `known`; the first of them where none is chosen. A usage error for any other.
StatusOr<std::string> OutputFormat(const Arguments& arguments, const std::vector<std::string>& known);

}  // namespace deit::cli
