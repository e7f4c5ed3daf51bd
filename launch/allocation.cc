#include "launch/allocation.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

#include "absl/strings/numbers.h"

namespace deit::launch {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int CountIn(const char* variable) {
  int count = 0;
  return absl::SimpleAtoi(Variable(variable), &count) ? count : 0;
}

// Hosts in a file with one on each line, as the first word; once for each slot.
int HostsInFileOf(const char* variable) {
  std::set<std::string> hosts;
  std::ifstream file(Variable(variable));
  for (std::string line; std::getline(file, line);) {
    std::string host = line.substr(0, line.find_first_of(" \t\r"));
    if (!host.empty()) hosts.insert(std::move(host));
  }
  return static_cast<int>(hosts.size());
}

}  // namespace

int AllocatedNodes() {
  return std::max({1, CountIn("SLURM_JOB_NUM_NODES"), CountIn("SLURM_NNODES"), HostsInFileOf("PBS_NODEFILE"),
                   HostsInFileOf("LSB_DJOB_HOSTFILE"), HostsInFileOf("PE_HOSTFILE")});
}

}  // namespace deit::launch
