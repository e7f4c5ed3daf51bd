// `deit-coord logs JOB`: what a job's workers wrote, and, with -f, what they write.
#include <cstdio>
#include <optional>

#include "absl/strings/numbers.h"
#include "common/base/log.h"
#include "common/base/nearest.h"
#include "coordinator/api/logs.h"
#include "coordinator/cli/interruption.h"
#include "coordinator/cli/known_job.h"
#include "coordinator/cli/verbs.h"

namespace deit::cli {
namespace {

// stdout.log to standard output, stderr.log to standard error; notices as this program's own messages.
class PrintingSink : public api::LogSink {
 public:
  explicit PrintingSink(bool names_workers) : names_workers_(names_workers) {}

  void Line(int worker, api::LogStream stream, absl::string_view line) override {
    const bool out = stream == api::LogStream::kOut;
    const std::string text = absl::StrCat(names_workers_ ? absl::StrCat("[worker ", worker, "] ") : "", line, "\n");
    if (!out) std::fflush(stdout);  // so that both keep their order on a terminal
    std::fwrite(text.data(), 1, text.size(), out ? stdout : stderr);
  }
  void Notice(const std::string& message) override {
    std::fflush(stdout);
    LogInfo(message);
  }

 private:
  const bool names_workers_;
};

// A flag's whole number of at least `least`; nullopt without the flag.
StatusOr<std::optional<int>> Number(const Arguments& arguments, const std::string& flag, int least) {
  const auto text = arguments.Value(flag);
  if (!text) return std::optional<int>();
  int number = 0;
  if (absl::SimpleAtoi(*text, &number) && number >= least) return std::optional<int>(number);
  return UsageError(absl::StrCat("--", flag, ": ", *text, ": want a whole number, at least ", least));
}

StatusOr<api::LogRequest> Parse(const Arguments& arguments) {
  api::LogRequest request;
  DEIT_ASSIGN_OR_RETURN(request.attempt, Number(arguments, "attempt", 1));
  DEIT_ASSIGN_OR_RETURN(const std::optional<int> tail, Number(arguments, "tail", 0));
  if (tail) request.choice.tail = static_cast<uint64_t>(*tail);
  request.worker_given = arguments.Has("worker");
  if (arguments.Value("worker") != "all") {
    DEIT_ASSIGN_OR_RETURN(request.choice.worker, Number(arguments, "worker", 0));
  }
  if (const auto stream = arguments.Value("stream")) {
    if (*stream != "out" && *stream != "err") {
      return UsageError(absl::StrCat("--stream: ", *stream, ": want out or err", DidYouMean(*stream, {"out", "err"})));
    }
    request.choice.out = *stream == "out";
    request.choice.err = *stream == "err";
  }
  return request;
}

// Prints what has come, and waits.
bool PauseForMore(absl::Duration duration) {
  std::fflush(stdout);
  EndIfNobodyReads();
  return SleepUnlessInterrupted(duration);
}

StatusOr<VerbExit> Follow(api::JobHandle& job, const api::LogRequest& request, PrintingSink& sink) {
  CatchInterrupts();
  const auto ended = api::FollowLogs(job, request, sink, PauseForMore);
  if (!absl::IsCancelled(ended.status())) {
    DEIT_RETURN_IF_ERROR(ended.status());
    return VerbExit::kDone;
  }
  LogInfo(absl::StrCat(job.Title(), ": goes on; deit-coord cancel ", job.Argument(), " stops it"));
  return VerbExit::kInterrupted;
}

StatusOr<VerbExit> RunLogs(const Arguments& arguments) {
  DEIT_ASSIGN_OR_RETURN(const api::LogRequest request, Parse(arguments));
  DEIT_ASSIGN_OR_RETURN(api::JobHandle job, FindJob("logs", arguments));
  PrintingSink sink(request.worker_given && !request.choice.worker);
  if (arguments.Has("follow") && !job.Look().over()) return Follow(job, request, sink);
  DEIT_RETURN_IF_ERROR(api::ShowLogs(job, request, sink));
  return VerbExit::kDone;
}

}  // namespace

const Verb kLogs{
    .name = "logs",
    .summary = "show what a job's workers wrote",
    .usage = {"logs JOB [-f] [--worker=K|all] [--attempt=N] [--tail=N] [--stream=out|err]"},
    .examples = {"deit-coord logs 7f3a -f", "deit-coord logs 7f3a --worker=all --attempt=1 --stream=err"},
    .flags = {{.name = "follow", .value = "", .help = "continue until the job ends, also through restarts", .letter = 'f'},
              {.name = "worker", .value = "K|all", .help = "worker K, or all of them; default: the one that failed, else worker 0"},
              {.name = "attempt", .value = "N", .help = "attempt N; default: the last one"},
              {.name = "tail", .value = "N", .help = "begin at the last N lines of each log"},
              {.name = "stream", .value = "out|err", .help = "only standard output, or only standard error"}},
    .run = RunLogs,
};

}  // namespace deit::cli
