// Completion for bash, from the table of verbs: what a verb's flags and usage lines say is all there is to know.
#pragma once

#include <string>

#include "absl/types/span.h"
#include "coordinator/cli/verb.h"

namespace deit::cli {

// A script to be sourced. Completes verbs; behind them flags, the values of flags that name their choices or a file, and the word
// that a usage line has in its place: an action as it is spelled, JOB by the ids of the jobs that `status -o name` lists, VERB by
// the verbs. Everything else by file names. Pure.
std::string BashCompletion(absl::Span<const Verb* const> verbs);

}  // namespace deit::cli
