// Session of the launch that this process belongs to: the world communicator, and an orderly exit.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/base/exit_code.h"
#include "common/base/status.h"
#include "worker/collective/communicator.h"

namespace deit::collective {

struct SessionOptions {
  std::string job_id = "none";                                     // names this process's files in shared memory; [A-Za-z0-9_.-]+
  std::string host = {};                                           // this process's node; empty: the machine's host name
  size_t shared_memory_room = std::numeric_limits<size_t>::max();  // bytes for each Share(); less forces messages
  absl::Duration setup_limit = absl::Seconds(60);                  // for each blocking set-up call: start, Subgroup, Share, MPI_Finalize
  absl::Duration leave_limit = absl::Minutes(10);  // for all others to come to Finish: one may have files to write until then
};

// One per process. The world outlives nothing: release everything made from it before Finish().
class Session {
 public:
  virtual ~Session() = default;
  virtual Communicator& world() = 0;

  // Leaves in order, together with all others (each calls it, any code), then ends the process with `code`: output is flushed,
  // destructors and atexit handlers do not run (60 ms saved). Ends with 69 if a worker does not come within the leave limit.
  [[noreturn]] void Finish(ExitCode code);

  // Ends this process with `code` and takes the whole launch with it, without waiting for anybody: after a lost peer or an
  // error that the others do not know of.
  [[noreturn]] void Abort(ExitCode code);

 private:
  virtual Status Leave() = 0;  // in order, with all others
};

// Whether mpirun, srun with PMIx, or a like launcher started this process.
bool UnderLauncher();

// Under a launcher: MPI. Without: a world of one, and MPI is not initialised. Call once, before other threads run.
StatusOr<std::unique_ptr<Session>> StartSession(const SessionOptions& options);

}  // namespace deit::collective
