#include "launch/worker_launch.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace deit::launch {

Command MpirunCommand(const WorkerLaunch& launch) {
  Command command;
  command.words = {"mpirun", "--bind-to", "none", "-np", absl::StrCat(launch.workers)};
  std::vector<std::string> hosts;
  for (const NodeSlots& node : launch.nodes) {
    if (!node.host.empty()) hosts.push_back(absl::StrCat(node.host, ":", node.slots));
  }
  if (!hosts.empty()) command.words.insert(command.words.end(), {"--host", absl::StrJoin(hosts, ",")});
  command.words.push_back(launch.program);
  command.words.insert(command.words.end(), launch.words.begin(), launch.words.end());

  auto& environment = command.environment;
  environment = {{"TMPDIR", launch.temporary_folder}, {"OMPI_MCA_odls_base_sigkill_timeout", "0"}};
  if (hosts.empty()) {
    environment.emplace_back("OMPI_MCA_btl_tcp_if_include", "lo");
    environment.emplace_back("OMPI_MCA_oob_tcp_if_include", "lo");
    // mpirun counts this machine's cores as its slots; how many workers are sensible is decided before.
    environment.emplace_back("OMPI_MCA_rmaps_base_oversubscribe", "1");
  }
  if (hosts.empty() && launch.workers > launch.cores) environment.emplace_back("OMPI_MCA_mpi_yield_when_idle", "1");
  if (launch.root) {
    environment.emplace_back("OMPI_ALLOW_RUN_AS_ROOT", "1");
    environment.emplace_back("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
  }
  return command;
}

}  // namespace deit::launch
