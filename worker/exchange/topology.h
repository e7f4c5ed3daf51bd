// Topology: groups of workers that share memory. A node is a group of workers that see each other's buffers; where shared memory has no
// room, or in a world without it, every worker is a node of its own and everything travels as messages. Pure.
#pragma once

#include <string>
#include <vector>

namespace deit::exchange {

struct Topology {
  std::vector<std::vector<int>> members;  // by node: its workers, ascending
  std::vector<int> node_of;               // by worker
  std::vector<int> index_of;              // by worker: its place among its node's members

  int workers() const { return static_cast<int>(node_of.size()); }
  int nodes() const { return static_cast<int>(members.size()); }
};

// Workers of one host form a node; where any worker of a host does not share, each of that host's workers is a node of its own.
Topology MakeTopology(const std::vector<std::string>& host_of_worker, const std::vector<bool>& shares);

}  // namespace deit::exchange
