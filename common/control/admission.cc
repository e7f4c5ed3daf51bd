#include "common/control/admission.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace deit::control {
namespace {

std::string NameOf(v1::Role::Value role) { return absl::AsciiStrToLower(v1::Role::Value_Name(role)); }

// "launches 3, 4", "no launch".
std::string Admitted(const std::map<int, AdmittedLaunch>& launches) {
  if (launches.empty()) return "no launch";
  const auto append_id = [](std::string* out, const auto& launch) { absl::StrAppend(out, launch.first); };
  return absl::StrCat(launches.size() == 1 ? "launch " : "launches ", absl::StrJoin(launches, ", ", append_id));
}

}  // namespace

std::optional<Rejection> CheckAdmission(const AdmissionRules& rules, const v1::Hello& hello) {
  if (hello.job() != rules.job) return Rejection{RejectionCause::kOtherJob, absl::StrCat("this is job ", rules.job)};
  const auto it = rules.launches.find(hello.launch());
  if (it == rules.launches.end()) {
    return Rejection{RejectionCause::kOtherLaunch,
                     absl::StrCat("this worker is of launch ", hello.launch(), ", admitted: ", Admitted(rules.launches))};
  }
  const AdmittedLaunch& launch = it->second;
  if (hello.role() != launch.role) {
    return Rejection{RejectionCause::kOtherRole, absl::StrCat("this worker is a ", NameOf(hello.role()), ", launch ", hello.launch(),
                                                              " is of role ", NameOf(launch.role))};
  }
  if (hello.workers() != launch.workers) {
    return Rejection{RejectionCause::kOtherWorkerCount,
                     absl::StrCat("this worker counts ", hello.workers(), ", launch ", hello.launch(), " has ", launch.workers)};
  }
  const auto in_world = [&](int number) { return number >= 0 && number < launch.workers; };
  if (!in_world(hello.rank()) || !in_world(hello.worker())) {
    return Rejection{RejectionCause::kMalformed,
                     absl::StrCat("rank ", hello.rank(), ", worker ", hello.worker(), ", expected 0 to ", launch.workers - 1)};
  }
  return std::nullopt;
}

}  // namespace deit::control
