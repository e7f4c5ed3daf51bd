#include "worker/exchange/topology.h"

#include <map>
#include <set>

namespace deit::exchange {

Topology MakeTopology(const std::vector<std::string>& host_of_worker, const std::vector<bool>& shares) {
  std::set<std::string> apart;
  for (size_t w = 0; w < host_of_worker.size(); ++w) {
    if (!shares[w]) apart.insert(host_of_worker[w]);
  }
  Topology topology;
  std::map<std::string, size_t> node_of_host;
  for (size_t w = 0; w < host_of_worker.size(); ++w) {
    const std::string& host = host_of_worker[w];
    auto [known, is_new] = node_of_host.try_emplace(host, topology.members.size());
    const size_t node = is_new || apart.contains(host) ? topology.members.size() : known->second;
    if (node == topology.members.size()) topology.members.emplace_back();
    topology.node_of.push_back(static_cast<int>(node));
    topology.index_of.push_back(static_cast<int>(topology.members[node].size()));
    topology.members[node].push_back(static_cast<int>(w));
  }
  return topology;
}

}  // namespace deit::exchange
