#include "worker/collective/mpi_session.h"

#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
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
  MpiSession(std::unique_ptr<Communicator> world, std::optional<ProcessFolder> folder, absl::Duration setup_limit)
      : world_(std::move(world)), folder_(std::move(folder)), setup_limit_(setup_limit) {}

  Communicator& world() override { return *world_; }

 private:
  Status Leave() override {
    uint8_t here = 1;
    DEIT_ASSIGN_OR_RETURN(const std::unique_ptr<Transfer> transfer, world_->AllReduce({.data = &here, .count = 1}));
    DEIT_RETURN_IF_ERROR(Wait(*transfer, {setup_limit_}, [] { return Awaited{"not all workers came to the end", ""}; }));
    const ExitGuard guard({setup_limit_}, {"MPI did not end", ""});
    if (folder_) folder_->Restore();
    MPI_Finalize();
    folder_.reset();
    return absl::OkStatus();
  }

  std::unique_ptr<Communicator> world_;
  std::optional<ProcessFolder> folder_;
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
  StatusOr<ProcessFolder> made = ProcessFolder::Make(kSharedDirectory, options.job_id);
  if (absl::IsInvalidArgument(made.status())) return made.status();
  std::optional<ProcessFolder> folder;  // none: the library finds a place
  if (made.ok()) folder = *std::move(made);
  if (folder) SetDefault("OMPI_MCA_btl_vader_backing_directory", folder->path());

  DEIT_RETURN_IF_ERROR(InitialiseMpi(options.setup_limit));
  DEIT_ASSIGN_OR_RETURN(std::unique_ptr<Communicator> world, NewMpiWorld(options));
  if (folder) folder->Hide();  // all have started, so all have mapped what is in it
  return std::make_unique<MpiSession>(std::move(world), std::move(folder), options.setup_limit);
}

}  // namespace deit::collective
