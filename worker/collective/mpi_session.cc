#include "worker/collective/mpi_session.h"

#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/collective/exit_guard.h"
#include "worker/collective/mpi_communicator.h"
#include "worker/collective/process_folder.h"

namespace deit::collective {
namespace {

constexpr const char* kSharedDirectory = "/dev/shm";

class MpiSession final : public Session {
 public:
  MpiSession(std::unique_ptr<Communicator> world, absl::Duration setup_limit) : world_(std::move(world)), setup_limit_(setup_limit) {}

  Communicator& world() override { return *world_; }

 private:
  Status Leave() override {
    uint8_t here = 1;
    DEIT_ASSIGN_OR_RETURN(const std::unique_ptr<Transfer> transfer, world_->AllReduce({.data = &here, .count = 1}));
    DEIT_RETURN_IF_ERROR(Wait(*transfer, {setup_limit_}, [] { return Awaited{"not all workers came to the end", ""}; }));
    const ExitGuard guard({setup_limit_}, {"MPI did not end", ""});
    MPI_Finalize();
    return absl::OkStatus();
  }

  std::unique_ptr<Communicator> world_;
  absl::Duration setup_limit_;
};

void SetDefault(const char* name, const std::string& value) { setenv(name, value.c_str(), /*overwrite=*/0); }

Status InitialiseMpi(absl::Duration limit) {
  const ExitGuard guard({limit}, {"MPI did not start", ""});
  int provided = MPI_THREAD_SINGLE;
  const int code = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided);
  if (code != MPI_SUCCESS) return absl::UnavailableError(absl::StrCat("MPI_Init_thread: error ", code));
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
  if (provided < MPI_THREAD_MULTIPLE) return absl::UnavailableError("MPI: this library cannot be used by several threads");
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<Session>> StartMpi(const SessionOptions& options) {
  SetDefault("OMPI_MCA_pml", "ob1");
  SetDefault("OMPI_MCA_btl", "self,vader,tcp");
  SetDefault("OMPI_MCA_mpi_yield_when_idle", "1");
  SweepDeadFolders(kSharedDirectory, options.job_id);
  const StatusOr<ProcessFolder> folder = ProcessFolder::Make(kSharedDirectory, options.job_id);
  if (absl::IsInvalidArgument(folder.status())) return folder.status();
  if (folder.ok()) SetDefault("OMPI_MCA_btl_vader_backing_directory", folder->path());  // else the library finds a place

  DEIT_RETURN_IF_ERROR(InitialiseMpi(options.setup_limit));
  DEIT_ASSIGN_OR_RETURN(std::unique_ptr<Communicator> world, NewMpiWorld(options));
  return std::make_unique<MpiSession>(std::move(world), options.setup_limit);
}

}  // namespace deit::collective
