// deit-coord: finds the verb, parses its flags, runs it, and turns a failure into one message and an exit code.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "common/base/failure.h"
#include "common/base/log.h"
#include "common/base/output_queue.h"
#include "common/machine/descriptor_limit.h"
#include "common/process/standard_streams.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

constexpr int kClosedPipe = 141;  // as a shell reports a death by SIGPIPE

bool IsHelp(const std::string& word) { return word == "--help" || word == "-h"; }

StatusOr<VerbExit> Run(std::vector<std::string> words) {
  if (words.empty()) return UsageError("no verb given", "deit-coord help lists the verbs");
  if (IsHelp(words[0])) words[0] = "help";
  if (words[0] == "--version") words[0] = "version";
  DEIT_ASSIGN_OR_RETURN(const Verb* verb, FindVerb(words[0]));
  std::vector<Flag> flags = verb->flags;
  flags.push_back({.name = "help", .value = "", .help = "", .letter = 'h'});
  DEIT_ASSIGN_OR_RETURN(const Arguments arguments, Arguments::Parse(absl::MakeConstSpan(words).subspan(1), flags));
  if (arguments.Has("help")) {
    std::fputs(HelpOf(*verb).c_str(), stdout);
    return VerbExit::kDone;
  }
  return verb->run(arguments);
}

// Output counts only once it is written: a full disk behind stdout is a failure, a reader that went away is not worth a word.
int Flush(int exit_code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  if (errno == EPIPE) return kClosedPipe;
  LogError(absl::StrCat("standard output: cannot write: ", std::strerror(errno)));
  return static_cast<int>(VerbExit::kFailed);
}

int Main(std::vector<std::string> words) {
  process::OpenStandardStreams();
  SetLogName("deit-coord");
  machine::RaiseDescriptorLimit();
  std::signal(SIGPIPE, SIG_DFL);  // a parent may have left it ignored; a closed pipe then ends the program quietly at the next write
  const StatusOr<VerbExit> result = Run(std::move(words));
  const int code = Flush(static_cast<int>(result.ok() ? *result : VerbExitOf(result.status())));
  if (!result.ok()) LogFailure(result.status());
  FlushOutput(absl::InfiniteDuration());  // as every program waits for its reader; by now nothing depends on this one
  return code;
}

}  // namespace
}  // namespace deit::cli

int main(int argc, char** argv) { return deit::cli::Main(std::vector<std::string>(argv + 1, argv + argc)); }
