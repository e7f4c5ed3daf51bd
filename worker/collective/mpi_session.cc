#include "worker/collective/mpi_session.h"

#include <mpi.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/process/process_folder.h"
#include "worker/collective/exit_guard.h"
#include "worker/collective/flags.h"
#include "worker/collective/mpi_communicator.h"

namespace deit::collective {
namespace {

constexpr const char* kSharedDirectory = "/dev/shm";

// Who of a node is through with its clean-up. Without it, the first to end with a code other than 0 makes the launcher kill the
// others in the middle of theirs.
class Departure {
 public:
  // Collective over the world. Where memory cannot be shared, no worker waits.
  static StatusOr<Departure> Prepare(Communicator& world) {
    std::vector<int> node;
    for (int rank = 0; rank < world.size(); ++rank) {
      if (world.hosts()[static_cast<size_t>(rank)] == world.hosts()[static_cast<size_t>(world.rank())]) node.push_back(rank);
    }
    DEIT_ASSIGN_OR_RETURN(const std::unique_ptr<Communicator> group, world.Subgroup(node, "departure"));
    StatusOr<std::unique_ptr<SharedMemory>> memory = group->Share(FlagBoard::BytesPerRow(1));
    if (absl::IsResourceExhausted(memory.status())) return Departure(nullptr, group->rank(), group->size());
    DEIT_RETURN_IF_ERROR(memory.status());
    return Departure(*std::move(memory), group->rank(), group->size());
  }

  // Tells the node's others, and waits a second at most for them.
  void Go() {
    if (memory_ == nullptr) return;
    std::vector<std::byte*> rows;
    for (int rank = 0; rank < size_; ++rank) rows.push_back(memory_->base(rank));
    FlagBoard gone(std::move(rows), 1);
    gone.Set(rank_, 0, 1);
    for (int rank = 0; rank < size_; ++rank) {
      const Status status = gone.WaitAtLeast(rank, 0, 1, {absl::Seconds(1)}, [] { return WaitDescription{"a worker did not end", ""}; });
      if (!status.ok()) return;  // the launcher sees to it
    }
  }

 private:
  Departure(std::unique_ptr<SharedMemory> memory, int rank, int size) : memory_(std::move(memory)), rank_(rank), size_(size) {}

  std::unique_ptr<SharedMemory> memory_;
  int rank_;
  int size_;
};

class MpiSession final : public Session {
 public:
  MpiSession(std::unique_ptr<Communicator> world, Departure departure, std::optional<process::ProcessFolder> folder,
             absl::Duration setup_limit, absl::Duration leave_limit)
      : world_(std::move(world)), departure_(std::move(departure)), folder_(std::move(folder)), setup_limit_(setup_limit),
        leave_limit_(leave_limit) {}

  Communicator& world() override { return *world_; }

 private:
  Status Leave() override {
    uint8_t here = 1;
    DEIT_ASSIGN_OR_RETURN(const std::unique_ptr<Transfer> transfer, world_->AllReduce({.data = &here, .count = 1}));
    DEIT_RETURN_IF_ERROR(Wait(*transfer, {leave_limit_}, [] { return WaitDescription{"not all workers came to the end", ""}; }));
    const ExitGuard guard({setup_limit_}, {"MPI did not end", ""});
    if (folder_) folder_->Restore();
    MPI_Finalize();
    folder_.reset();
    departure_.Go();
    return absl::OkStatus();
  }

  std::unique_ptr<Communicator> world_;
  Departure departure_;
  std::optional<process::ProcessFolder> folder_;
  absl::Duration setup_limit_, leave_limit_;
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
  process::SweepDeadFolders(kSharedDirectory, options.job_id);
  StatusOr<process::ProcessFolder> made = process::ProcessFolder::Make(kSharedDirectory, options.job_id);
  if (absl::IsInvalidArgument(made.status())) return made.status();
  std::optional<process::ProcessFolder> folder;  // none: the library finds a place
  if (made.ok()) folder = *std::move(made);
  if (folder) SetDefault("OMPI_MCA_btl_vader_backing_directory", folder->path());

  DEIT_RETURN_IF_ERROR(InitialiseMpi(options.setup_limit));
  DEIT_ASSIGN_OR_RETURN(std::unique_ptr<Communicator> world, NewMpiWorld(options));
  if (folder) folder->Hide();  // all have started, so all have mapped what is in it
  DEIT_ASSIGN_OR_RETURN(Departure departure, Departure::Prepare(*world));
  return std::make_unique<MpiSession>(std::move(world), std::move(departure), std::move(folder), options.setup_limit, options.leave_limit);
}

}  // namespace deit::collective
