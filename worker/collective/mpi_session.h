// The session of a process that a launcher started. This header is free of MPI's.
#pragma once

#include <memory>

#include "common/base/status.h"
#include "worker/collective/session.h"

namespace deit::collective {

// Initialises MPI, for several threads, with Open MPI's fast start; every setting is only a default under the user's own environment:
//   pml=ob1, btl=self,vader,tcp (explicit lists: 0.2 s less to start), mpi_yield_when_idle=1, btl_vader_backing_directory = a folder of
//   this process's own, hidden as soon as all have mapped its files, so that no kill leaves any; a kill before that moment leaves the
//   folder, which the next start of the same job sweeps.
// Ends the process with 69 if the others do not come within the set-up limit.
StatusOr<std::unique_ptr<Session>> StartMpi(const SessionOptions& options);

}  // namespace deit::collective
