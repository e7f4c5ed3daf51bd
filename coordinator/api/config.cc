#include "coordinator/api/config.h"

#include <utility>

#include "common/base/digest.h"
#include "common/fit/memory_estimate.h"
#include "common/fit/processor_fit.h"
#include "common/spec/load.h"
#include "common/spec/spec_digest.h"
#include "common/spec/warnings.h"

namespace deit::api {

StatusOr<v1::ConfigCheck> CheckConfig(const std::string& file, const std::vector<std::string>& overrides) {
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec job, ShowConfig(file, overrides));
  v1::ConfigCheck check;
  check.set_path(file);
  check.set_fields_digest(FieldsDigest(job));
  for (std::string& warning : spec::Warnings(job)) check.add_warnings(std::move(warning));
  DEIT_ASSIGN_OR_RETURN(const fit::MemoryEstimate memory, fit::EstimateTraining(job, 1, 1));
  check.set_memory(fit::Describe(memory));
  for (std::string& warning : fit::ProcessorWarnings(job, machine::ThisProcessor())) check.add_warnings(std::move(warning));
  DEIT_ASSIGN_OR_RETURN(const std::string lack, fit::MemoryWarning(job, 1, 1, machine::FreeMemory()));
  if (!lack.empty()) check.add_warnings(lack);
  return check;
}

StatusOr<v1::JobSpec> ShowConfig(const std::string& file, const std::vector<std::string>& overrides) {
  return spec::LoadSpec(file, overrides);
}

StatusOr<v1::ConfigDiff> DiffConfig(const std::string& before, const std::string& after, const std::vector<std::string>& overrides) {
  const spec::LoadOptions options{.working_folder = "", .default_name = "job"};  // so that file names are no difference
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec first, spec::LoadSpec(before, overrides, options));
  DEIT_ASSIGN_OR_RETURN(const v1::JobSpec second, spec::LoadSpec(after, overrides, options));
  v1::ConfigDiff diff;
  for (const spec::FieldDifference& difference : spec::DiffSpecs(first, second)) {
    v1::ConfigDifference& described = *diff.add_differences();
    described.set_path(difference.path);
    described.set_before(difference.before);
    described.set_after(difference.after);
    described.set_effect(v1::Effect_Name(difference.effect));
  }
  return diff;
}

std::string FieldsDigest(const v1::JobSpec& job) { return DigestHex(spec::SpecDigest(job, {})); }

}  // namespace deit::api
