#include "worker/collective/session.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "worker/collective/local_communicator.h"
#include "worker/collective/mpi_session.h"

namespace deit::collective {
namespace {

class SoloSession final : public Session {
 public:
  explicit SoloSession(std::unique_ptr<Communicator> world) : world_(std::move(world)) {}
  Communicator& world() override { return *world_; }

 private:
  Status Leave() override { return absl::OkStatus(); }

  std::unique_ptr<Communicator> world_;
};

// srun without PMIx starts processes that know nothing of one another: each would train the whole job in the same folder.
Status CheckNotScattered() {
  const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS");
  int count = 0;
  if (tasks == nullptr || !absl::SimpleAtoi(tasks, &count) || count <= 1) return absl::OkStatus();
  const Status scattered =
      absl::FailedPreconditionError(absl::StrCat("srun: ", count, " tasks: without PMIx they cannot find one another"));
  return WithHint(WithExitCode(scattered, ExitCode::kBadConfig), "use srun --mpi=pmix");
}

}  // namespace

void Session::Finish(ExitCode code) {
  const Status left = Leave();
  if (!left.ok()) {
    LogError(left.message());
    code = ExitCodeOf(left);
  }
  Abort(code);
}

// A process that leaves without MPI_Finalize is a failure to the launcher, which ends the others.
void Session::Abort(ExitCode code) {
  std::cout.flush();
  std::fflush(nullptr);
  _exit(static_cast<int>(code));
}

bool UnderLauncher() { return std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr || std::getenv("PMIX_RANK") != nullptr; }

StatusOr<std::unique_ptr<Session>> StartSession(const SessionOptions& options) {
  if (UnderLauncher()) return StartMpi(options);
  DEIT_RETURN_IF_ERROR(CheckNotScattered());
  LocalOptions local = {.hosts = {}, .shared_memory_room = options.shared_memory_room, .setup_limit = options.setup_limit};
  if (!options.host.empty()) local.hosts = {options.host};
  return std::make_unique<SoloSession>(std::move(NewLocalGroup(1, local).front()));
}

}  // namespace deit::collective
