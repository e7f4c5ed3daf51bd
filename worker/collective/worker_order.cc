#include "worker/collective/worker_order.h"

#include <map>

namespace deit::collective {

std::vector<int> RankOfWorkers(const std::vector<std::string>& host_of_rank) {
  std::vector<std::vector<int>> ranks_of_host;
  std::map<std::string, size_t> number_of_host;
  for (size_t rank = 0; rank < host_of_rank.size(); ++rank) {
    const auto [found, is_new] = number_of_host.try_emplace(host_of_rank[rank], ranks_of_host.size());
    if (is_new) ranks_of_host.emplace_back();
    ranks_of_host[found->second].push_back(static_cast<int>(rank));
  }
  std::vector<int> ranks;
  for (const std::vector<int>& of_host : ranks_of_host) ranks.insert(ranks.end(), of_host.begin(), of_host.end());
  return ranks;
}

}  // namespace deit::collective
