// Communicators between the processes of one launch, carried by MPI. This header is free of MPI's.
#pragma once

#include <memory>

#include "common/base/status.h"
#include "worker/collective/communicator.h"
#include "worker/collective/session.h"

namespace deit::collective {

// A communicator of all processes of the launch; MPI is initialised for several threads. Collective over all of them. Made, like
// every subgroup, from an explicit member list, so that nothing but its own traffic is on it. Errors of the library come back as
// Unavailable; but Open MPI 4 reports no lost peer: only a deadline does. Operations on a lost peer must be given up, never waited for.
StatusOr<std::unique_ptr<Communicator>> NewMpiWorld(const SessionOptions& options);

}  // namespace deit::collective
