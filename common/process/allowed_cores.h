// Cores that this process may use.
#pragma once

namespace deit::process {

// As many as its affinity mask has, which taskset, Slurm and containers narrow; at least 1.
int AllowedCores();

}  // namespace deit::process
