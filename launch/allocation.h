// Allocation of a batch system in which this process runs.
#pragma once

namespace deit::launch {

// Number of nodes that Slurm, PBS, LSF or Grid Engine has given to this process, by its environment and the files that this names. 1
// without a batch system, and where its word cannot be read.
int AllocatedNodes();

}  // namespace deit::launch
