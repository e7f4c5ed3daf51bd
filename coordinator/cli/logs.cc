// `deit-coord logs JOB`: what a job's workers wrote, and, with -f, what they write.
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/nearest.h"
#include "common/process/identity.h"
#include "coordinator/cli/interruption.h"
#include "coordinator/cli/known_job.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/cli/worker_logs.h"

namespace deit::cli {
namespace {

constexpr absl::Duration kLogsPoll = absl::Milliseconds(200);

// A flag's whole number of at least `least`; nullopt without the flag.
StatusOr<std::optional<int>> Number(const Arguments& arguments, const std::string& flag, int least) {
  const auto text = arguments.Value(flag);
  if (!text) return std::optional<int>();
  int number = 0;
  if (absl::SimpleAtoi(*text, &number) && number >= least) return std::optional<int>(number);
  return UsageError(absl::StrCat("--", flag, ": ", *text, ": want a whole number, at least ", least));
}

// What the command line says; the worker is chosen later where it says nothing.
struct Wanted {
  LogChoice choice;
  bool worker_given = false;
  std::optional<int> attempt;
};

StatusOr<Wanted> Parse(const Arguments& arguments) {
  Wanted wanted;
  DEIT_ASSIGN_OR_RETURN(wanted.attempt, Number(arguments, "attempt", 1));
  DEIT_ASSIGN_OR_RETURN(const std::optional<int> tail, Number(arguments, "tail", 0));
  if (tail) wanted.choice.tail = static_cast<uint64_t>(*tail);
  wanted.worker_given = arguments.Has("worker");
  if (arguments.Value("worker") != "all") {
    DEIT_ASSIGN_OR_RETURN(wanted.choice.worker, Number(arguments, "worker", 0));
  }
  if (const auto stream = arguments.Value("stream")) {
    if (*stream != "out" && *stream != "err") {
      return UsageError(absl::StrCat("--stream: ", *stream, ": want out or err", DidYouMean(*stream, {"out", "err"})));
    }
    wanted.choice.out = *stream == "out";
    wanted.choice.err = *stream == "err";
  }
  return wanted;
}

// The logs of an attempt: of the chosen worker, else of the one that failed, else of worker 0.
WorkerLogs Open(const run::RunFolder& folder, int attempt, const Wanted& wanted) {
  LogChoice choice = wanted.choice;
  if (!wanted.worker_given) {
    const std::optional<int> failed = FirstFailedWorker(files::FileSystem::Posix(), folder, attempt);
    if (failed) LogInfo(absl::StrCat("attempt ", attempt, ": worker ", *failed, " failed first; --worker=all shows all"));
    choice.worker = failed.value_or(0);
  }
  return WorkerLogs(files::FileSystem::Posix(), folder, attempt, choice);
}

Status CheckThatThereIsALog(const run::RunFolder& folder, int attempt, const Wanted& wanted, const std::string& title) {
  const std::string where = absl::StrCat(title, ": attempt ", attempt);
  if (attempt == 0 || !files::FileSystem::Posix().Stat(folder.Attempt(attempt)).ok()) {
    return absl::NotFoundError(absl::StrCat(attempt == 0 ? title : where, ": there is no such attempt"));
  }
  const std::vector<int> workers = ListWorkers(files::FileSystem::Posix(), folder, attempt);
  if (workers.empty()) {
    const Status status = absl::NotFoundError(absl::StrCat(where, ": no worker of it came so far as to write a log"));
    return files::FileSystem::Posix().Stat(folder.LauncherStderr(attempt)).ok() ? WithHint(status, "see " + folder.LauncherStderr(attempt))
                                                                                : status;
  }
  const std::optional<int> worker = wanted.choice.worker;
  if (!worker || std::find(workers.begin(), workers.end(), *worker) != workers.end()) return absl::OkStatus();
  return WithHint(absl::NotFoundError(absl::StrCat(where, ": worker ", *worker, ": has no log")),
                  absl::StrCat("its workers: ", absl::StrJoin(workers, ", ")));
}

int NewestAttempt(const run::RunFolder& folder) { return run::LastAttempt(files::FileSystem::Posix(), folder).value_or(0); }

// Whether somebody may still write. A worker says its last words after its job's end is recorded, but does not live long after that.
class LastWords {
 public:
  bool Spoken(const JobSnapshot& look) {
    if (!look.over()) return false;
    const absl::Duration now = Clock::System().Elapsed();
    if (!over_since_) over_since_ = now;
    const auto& workers = look.seen.record.workers();
    const bool silent = std::none_of(workers.begin(), workers.end(), [](const v1::WorkerRecord& worker) {
      return process::LifeOf(worker.process()) == process::Life::kAlive;
    });
    return silent || now - *over_since_ > absl::Seconds(5);
  }

 private:
  std::optional<absl::Duration> over_since_;
};

StatusOr<VerbExit> Follow(KnownJob& job, const run::RunFolder& folder, Wanted wanted) {
  CatchInterrupts();
  std::optional<WorkerLogs> logs;
  LastWords last_words;
  do {
    EndIfNobodyReads();
    // In this order: whatever was written before the end was seen is printed.
    const JobSnapshot look = job.Look();
    const int newest = NewestAttempt(folder);
    if (!logs && newest > 0) logs = Open(folder, wanted.attempt.value_or(newest), wanted);
    const bool goes_on = logs && newest > logs->attempt() && !wanted.attempt;
    const bool over = last_words.Spoken(look);
    const bool ended = over || (logs && newest > logs->attempt());
    if (logs) DEIT_RETURN_IF_ERROR(logs->Print(ended));
    if (goes_on) {
      LogInfo(absl::StrCat(job.Title(), ": attempt ", logs->attempt() + 1));
      wanted.choice.tail.reset();
      logs = Open(folder, logs->attempt() + 1, wanted);
    } else if (ended) {
      if (over) LogInfo(absl::StrCat(job.Title(), ": ", StateText(look.health)));
      return VerbExit::kDone;
    }
  } while (SleepUnlessInterrupted(kLogsPoll));
  LogInfo(absl::StrCat(job.Title(), ": goes on; deit-coord cancel ", job.id(), " stops it"));
  return VerbExit::kInterrupted;
}

StatusOr<VerbExit> RunLogs(const Arguments& arguments) {
  DEIT_ASSIGN_OR_RETURN(Wanted wanted, Parse(arguments));
  DEIT_ASSIGN_OR_RETURN(KnownJob job, KnownJob::Find("logs", arguments));
  const run::RunFolder folder(job.run_dir());
  if (arguments.Has("follow") && !job.Look().over()) return Follow(job, folder, wanted);
  const int attempt = wanted.attempt.value_or(NewestAttempt(folder));
  DEIT_RETURN_IF_ERROR(CheckThatThereIsALog(folder, attempt, wanted, job.Title()));
  DEIT_RETURN_IF_ERROR(Open(folder, attempt, wanted).Print(true));
  return VerbExit::kDone;
}

}  // namespace

const Verb kLogs{
    .name = "logs",
    .summary = "show what a job's workers wrote",
    .usage = {"logs JOB [-f] [--worker=K|all] [--attempt=N] [--tail=N] [--stream=out|err]"},
    .examples = {"deit-coord logs 7f3a -f", "deit-coord logs 7f3a --worker=all --attempt=1 --stream=err"},
    .flags = {{.name = "follow", .value = "", .help = "go on until the job ends, also through restarts", .letter = 'f'},
              {.name = "worker", .value = "K|all", .help = "of worker K, or of all; else of the one that failed, or worker 0"},
              {.name = "attempt", .value = "N", .help = "of attempt N; else of the last one"},
              {.name = "tail", .value = "N", .help = "begin at the last N lines of each log"},
              {.name = "stream", .value = "out|err", .help = "only standard output, or only standard error"}},
    .run = RunLogs,
};

}  // namespace deit::cli
