#include "launch/mpirun/mpirun_launcher.h"

#include <cstdlib>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "launch/mpirun/failure_text.h"
#include "launch/program_output.h"

namespace deit::launch {
namespace {

constexpr absl::string_view kRank = "OMPI_COMM_WORLD_RANK=";
constexpr char kInstall[] = "./launch/setup.sh installs Open MPI; see that its mpirun comes first in PATH";

}  // namespace

StatusOr<std::string> MpirunLauncher::AskVersion() { return ProgramOutput({"mpirun", "--version"}, absl::Seconds(10)); }

Status MpirunLauncher::Check() const {
  if (std::getenv("OMPI_UNIVERSE_SIZE") != nullptr) {  // by which mpirun knows itself too
    return WithHint(absl::FailedPreconditionError("mpirun: this program was itself started by an mpirun, which cannot start another"),
                    "start deit-coord run without mpirun: it starts the workers by itself");
  }
  const auto text = version_();
  if (absl::IsNotFound(text.status())) return WithHint(absl::NotFoundError("mpirun: not found in PATH: it starts the workers"), kInstall);
  if (!text.ok()) return WithHint(Annotate(text.status(), "mpirun --version"), kInstall);
  if (absl::StrContains(*text, "Open MPI") || absl::StrContains(*text, "OpenRTE")) return absl::OkStatus();
  const std::vector<absl::string_view> lines = absl::StrSplit(*text, '\n', absl::SkipWhitespace());
  const std::string first = lines.empty() ? "prints no version" : absl::StrCat("\"", lines[0].substr(0, 80), "\"");
  return WithHint(absl::FailedPreconditionError(absl::StrCat("mpirun: ", first, ": not Open MPI's, which the workers are built for")),
                  kInstall);
}

Command MpirunLauncher::CommandFor(const WorkerLaunch& launch) const {
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
    // Nor does it go to other nodes, whatever a batch system or the machine's own list of hosts offers.
    environment.emplace_back("OMPI_MCA_ras", "^slurm,gridengine,tm,lsf,alps");
    environment.emplace_back("OMPI_MCA_orte_default_hostfile", "none");
  }
  if (hosts.empty() && launch.workers > launch.cores) environment.emplace_back("OMPI_MCA_mpi_yield_when_idle", "1");
  if (launch.root) {
    environment.emplace_back("OMPI_ALLOW_RUN_AS_ROOT", "1");
    environment.emplace_back("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
  }
  return command;
}

std::optional<LaunchFailure> MpirunLauncher::ReadFailure(absl::string_view stderr_text) const { return FindFailure(stderr_text); }

std::optional<int> MpirunLauncher::RankOf(absl::Span<const std::string> environment) const {
  for (absl::string_view variable : environment) {
    int rank = 0;
    if (absl::ConsumePrefix(&variable, kRank) && absl::SimpleAtoi(variable, &rank) && rank >= 0) return rank;
  }
  return std::nullopt;
}

}  // namespace deit::launch
