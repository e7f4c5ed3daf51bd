// One worker of a small launch, for tests of how launches start and end: collective_probe MODE [JOB].
//   a number      all finish with that exit code
//   mpi           all finish, with exit code 1 if MPI was initialised
//   silent|stop|kill  worker 1 sends nothing: it sleeps, stops itself, kills itself; worker 0 waits one second for its message
//   early         worker 1 sleeps while worker 0 finishes
//   alone         worker 1 sleeps while worker 0 forms a group with it
//   orphan        worker 1 kills its launcher
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "common/base/log.h"
#include "worker/collective/session.h"
#include "worker/collective/wait.h"

namespace deit::collective {
namespace {

Status WaitForPeer(Communicator& world) {
  uint64_t value = 0;
  DEIT_ASSIGN_OR_RETURN(const auto receive, world.Receive({.data = &value, .count = sizeof value}, 1, 0));
  return Wait(*receive, {absl::Seconds(1)}, [] {
    return WaitDescription{"worker 1 did not deliver bucket 3 of step 12", "last reported: step 11"};
  });
}

// Never returns.
void Misbehave(std::string_view mode) {
  if (mode == "stop") raise(SIGSTOP);
  if (mode == "kill") raise(SIGKILL);
  if (mode == "orphan") kill(getppid(), SIGKILL);
  sleep(30);
  _exit(0);
}

Status Play(Communicator& world, std::string_view mode) {
  if (world.rank() == 1) Misbehave(mode);
  if (mode == "alone") return world.Subgroup({0, 1}, "pair").status();
  return mode == "early" ? absl::OkStatus() : WaitForPeer(world);
}

int Main(const std::string& mode, const std::string& job) {
  const auto session = StartSession({.job_id = job, .setup_limit = absl::Seconds(2), .leave_limit = absl::Seconds(2)});
  if (!session.ok()) {
    LogError(session.status().message());
    return static_cast<int>(ExitCodeOf(session.status()));
  }
  int code = 0;
  if (mode == "mpi") MPI_Initialized(&code);
  if (mode == "mpi" || absl::SimpleAtoi(mode, &code)) (*session)->Finish(static_cast<ExitCode>(code));
  const Status status = Play((*session)->world(), mode);
  if (status.ok()) (*session)->Finish(ExitCode::kDone);
  LogError(status.message());
  (*session)->Abort(ExitCodeOf(status));
}

}  // namespace
}  // namespace deit::collective

int main(int argc, char** argv) { return deit::collective::Main(argc > 1 ? argv[1] : "0", argc > 2 ? argv[2] : "probe"); }
