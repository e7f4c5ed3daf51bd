#include "coordinator/job/root_cause.h"

#include <string.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/base/exit_code.h"

namespace deit::job {
namespace {

using Kind = RootCause::Kind;

constexpr int kSigKill = 9;

std::string SignalName(int signal) { return absl::StrCat("signal ", signal, " (", ::strsignal(signal), ")"); }

class Finder {
 public:
  explicit Finder(const Evidence& evidence) : evidence_(evidence) {}

  RootCause Find() const {
    if (evidence_.result && EndedWell(static_cast<ExitCode>(evidence_.result->exit_code()))) return Well(*evidence_.result);
    if (evidence_.exit && !evidence_.exit->error().empty()) return Of(Kind::kLaunchFailed, evidence_.exit->error());
    if (evidence_.verdict == Verdict::kFolderGone) return FolderGone();
    if (auto cause = FromVerdict()) return *cause;
    if (evidence_.failure) return FromReport(*evidence_.failure);
    if (evidence_.exit && evidence_.exit->has_signal() && !evidence_.exit->asked_to_kill()) {
      return {.kind = Kind::kLauncher,
              .worker = {},
              .node = AnyHost(),
              .signal = evidence_.exit->signal(),
              .exit_code = {},
              .text = absl::StrCat(evidence_.launcher, ": killed by ", SignalName(evidence_.exit->signal())),
              .hint = ""};
    }
    const WorkerEvidence* failed = EarliestError();
    const bool by_itself = failed != nullptr && failed->error->exit_code() != static_cast<int>(ExitCode::kPeerLost);
    if (!evidence_.exit && !by_itself) {
      return {.kind = Kind::kGuardian,
              .worker = {},
              .node = AnyHost(),
              .signal = {},
              .exit_code = {},
              .text = absl::StrCat("the attempt's guardian was killed, and ", evidence_.launcher, " with it"),
              .hint = ""};
    }
    if (failed != nullptr) return Exited(*failed, failed->error->exit_code());
    if (const WorkerEvidence* gone = FirstGone()) return Vanished(*gone);
    return Unknown();
  }

 private:
  RootCause Well(const v1::AttemptResult& result) const {
    const bool done = result.exit_code() == 0;
    return {.kind = done ? Kind::kDone : Kind::kStopped,
            .worker = {},
            .node = "",
            .signal = {},
            .exit_code = result.exit_code(),
            .text = Meaning(static_cast<ExitCode>(result.exit_code())),
            .hint = ""};
  }

  RootCause FolderGone() const {
    RootCause cause = Of(Kind::kFolderGone, "the run folder was moved or removed while its job ran");
    cause.hint = "run the job again where the folder is now";
    cause.permanent = true;
    return cause;
  }

  std::optional<RootCause> FromVerdict() const {
    const double seconds = evidence_.verdict_seconds;
    switch (evidence_.verdict) {
      case Verdict::kNone:
      case Verdict::kFolderGone:
      case Verdict::kDied: return std::nullopt;  // why it died, the rest may know
      case Verdict::kForceKilled: return Of(Kind::kKilled, "killed as asked");
      case Verdict::kNotDrained:
        return Of(Kind::kKilled, absl::StrFormat("killed: timed out after %.1f s waiting for its last step", seconds));
      case Verdict::kStalled: return Of(Kind::kStalled, absl::StrFormat("no worker made progress for %.1f s although all live", seconds));
      case Verdict::kSilent:
        return OfWorker(Kind::kSilent, Worker(evidence_.verdict_worker), absl::StrFormat("silent for %.1f s", seconds));
      case Verdict::kNotStarted: return NotStarted(LateWorker());
    }
    return std::nullopt;
  }

  RootCause NotStarted(const WorkerEvidence& worker) const {
    RootCause cause = OfWorker(Kind::kNotStarted, worker, absl::StrFormat("did not start within %.1f s", evidence_.verdict_seconds));
    if (!worker.suspended) cause.hint = "where programs load slowly, raise fault.start_timeout";
    return cause;
  }

  // Workers that run wait for one that is suspended, and have not introduced themselves either.
  WorkerEvidence LateWorker() const {
    for (const WorkerEvidence& worker : evidence_.workers) {
      if (worker.suspended && !worker.spoke) return worker;
    }
    return Worker(evidence_.verdict_worker);
  }

  // One that has not introduced itself is taken to have its rank's number.
  WorkerEvidence WorkerOfRank(int rank) const {
    const auto& workers = evidence_.workers;
    const auto found = std::find_if(workers.begin(), workers.end(), [&](const WorkerEvidence& worker) { return worker.rank == rank; });
    return found == workers.end() ? Worker(rank) : *found;
  }

  RootCause FromReport(const launch::LaunchFailure& failure) const {
    const WorkerEvidence worker = WorkerOfRank(failure.rank);
    if (failure.signal) {
      RootCause cause = Of(Kind::kSignal, absl::StrCat(Who(worker), ": killed by ", SignalName(*failure.signal), Where(worker)));
      const int64_t memory_kills = evidence_.exit ? evidence_.exit->out_of_memory_kills() : 0;
      if (*failure.signal == kSigKill && memory_kills > 0) {
        absl::StrAppend(&cause.text, ": the kernel ran out of memory meanwhile");
        cause.hint = "give it fewer workers, a smaller batch, or more memory";
      }
      cause.worker = worker.worker;
      cause.node = worker.host;
      cause.signal = failure.signal;
      return cause;
    }
    if (failure.exit_code) return Exited(worker, *failure.exit_code);
    return Vanished(worker);
  }

  // A worker that ended by itself. If it lost a peer, that peer is the cause.
  RootCause Exited(const WorkerEvidence& worker, int code) const {
    const bool lost_peer = code == static_cast<int>(ExitCode::kPeerLost);
    const auto peer = lost_peer && worker.error ? BlamedPeer(worker.error->message()) : std::nullopt;
    if (peer) {
      const WorkerEvidence blamed = Worker(*peer);
      RootCause cause =
          Of(Kind::kSilent, absl::StrCat(Who(blamed), ": did not answer worker ", worker.worker, ": ", worker.error->message()));
      cause.worker = blamed.worker;
      cause.node = blamed.host;
      cause.exit_code = code;
      return cause;
    }
    std::string text = absl::StrCat(Who(worker), ": exit ", code, " (", Meaning(static_cast<ExitCode>(code)), ")", Where(worker));
    if (worker.error && !worker.error->message().empty()) absl::StrAppend(&text, ": ", worker.error->message());
    RootCause cause = Of(Kind::kExit, text);
    cause.worker = worker.worker;
    cause.node = worker.host;
    cause.exit_code = code;
    if (worker.error) cause.hint = worker.error->hint();
    return cause;
  }

  RootCause Vanished(const WorkerEvidence& worker) const {
    RootCause cause = Of(Kind::kExit, absl::StrCat(Who(worker), ": ended without a word", Where(worker)));
    cause.worker = worker.worker;
    cause.node = worker.host;
    return cause;
  }

  RootCause Unknown() const {
    std::string how = "in an unknown way";
    if (evidence_.exit->has_exit_code()) how = absl::StrCat("with exit code ", evidence_.exit->exit_code());
    RootCause cause = Of(Kind::kUnknown, absl::StrCat(evidence_.launcher, " ended ", how, ", and no worker says why"));
    if (evidence_.exit->has_exit_code()) cause.exit_code = evidence_.exit->exit_code();
    return cause;
  }

  RootCause Of(Kind kind, std::string text) const {
    return {.kind = kind, .worker = {}, .node = AnyHost(), .signal = {}, .exit_code = {}, .text = std::move(text), .hint = ""};
  }

  RootCause OfWorker(Kind kind, const WorkerEvidence& worker, const std::string& what) const {
    const char* suspended = worker.suspended ? " (stopped by a signal)" : "";
    RootCause cause = Of(kind, absl::StrCat(Who(worker), ": ", what, suspended, Where(worker)));
    cause.worker = worker.worker;
    cause.node = worker.host;
    return cause;
  }

  // "worker 1 did not deliver bucket 3 of step 12 within 30s": the messages of worker/collective/wait.h.
  static std::optional<int> BlamedPeer(absl::string_view message) {
    int peer = 0;
    if (!absl::ConsumePrefix(&message, "worker ")) return std::nullopt;
    const size_t end = message.find(" did not ");
    if (end == absl::string_view::npos || !absl::SimpleAtoi(message.substr(0, end), &peer)) return std::nullopt;
    return peer;
  }

  // Errors of those that only lost a peer come last.
  const WorkerEvidence* EarliestError() const {
    const WorkerEvidence* earliest = nullptr;
    const auto key = [](const WorkerEvidence& worker) {
      return std::make_pair(worker.error->exit_code() == static_cast<int>(ExitCode::kPeerLost), worker.error->time());
    };
    for (const WorkerEvidence& worker : evidence_.workers) {
      if (worker.error && (earliest == nullptr || key(worker) < key(*earliest))) earliest = &worker;
    }
    return earliest;
  }

  const WorkerEvidence* FirstGone() const {
    const WorkerEvidence* first = nullptr;
    for (const WorkerEvidence& worker : evidence_.workers) {
      if (worker.closed && !worker.left && (first == nullptr || *worker.closed < *first->closed)) first = &worker;
    }
    return first;
  }

  WorkerEvidence Worker(int number) const {
    for (const WorkerEvidence& worker : evidence_.workers) {
      if (worker.worker == number) return worker;
    }
    WorkerEvidence unknown;
    unknown.worker = number;
    unknown.host = AnyHost();
    return unknown;
  }

  std::string AnyHost() const {
    for (const WorkerEvidence& worker : evidence_.workers) {
      if (!worker.host.empty()) return worker.host;
    }
    return "";
  }

  static std::string Who(const WorkerEvidence& worker) {
    return worker.host.empty() ? absl::StrCat("worker ", worker.worker) : absl::StrCat("worker ", worker.worker, " on ", worker.host);
  }

  static std::string Where(const WorkerEvidence& worker) {
    if (worker.error) return absl::StrCat(" at step ", worker.error->step(), " in phase ", worker.error->phase());
    return worker.spoke ? absl::StrCat(" at step ", worker.step, " in phase ", worker.phase) : "";
  }

  const Evidence& evidence_;
};

}  // namespace

std::string FailureName(const RootCause& cause) {
  if (cause.signal) return absl::StrCat(cause.kind == Kind::kLauncher ? "launcher signal " : "signal ", *cause.signal);
  if (cause.kind == Kind::kExit && cause.exit_code) return absl::StrCat("exit ", *cause.exit_code);
  switch (cause.kind) {
    case Kind::kDone: return "done";
    case Kind::kStopped: return "stopped";
    case Kind::kSignal: return "signal";
    case Kind::kExit: return "ended without a word";
    case Kind::kSilent: return "silent";
    case Kind::kNotStarted: return "not started";
    case Kind::kStalled: return "stalled";
    case Kind::kLauncher: return "launcher";
    case Kind::kGuardian: return "guardian";
    case Kind::kKilled: return "killed";
    case Kind::kLaunchFailed: return "launch failed";
    case Kind::kFolderGone: return "run folder gone";
    case Kind::kUnknown: return "unknown";
  }
  return "unknown";
}

RootCause FindRootCause(const Evidence& evidence) { return Finder(evidence).Find(); }

}  // namespace deit::job
