// Numbering of workers: all of one host, then all of the next, so that a node's lanes are one run of the lane tree whatever placement the
// launcher chose (by slot, by node, cyclic). Pure.
#pragma once

#include <string>
#include <vector>

namespace deit::collective {

// By worker: its rank in the launch. Hosts come in the order of their lowest rank, and ranks of a host ascend; worker 0 is rank 0.
std::vector<int> RankOfWorkers(const std::vector<std::string>& host_of_rank);

}  // namespace deit::collective
