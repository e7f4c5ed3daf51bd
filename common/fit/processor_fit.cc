#include "common/fit/processor_fit.h"

#include "absl/strings/str_cat.h"

namespace deit::fit {

std::vector<std::string> ProcessorWarnings(const v1::JobSpec& resolved, const machine::Processor& processor,
                                           const machine::Environment& environment) {
  std::vector<std::string> warnings;
  if (resolved.device() != v1::CPU || machine::ComputesInBfloat16(processor, environment)) return warnings;
  const auto check = [&](const char* field, v1::Precision precision) {
    if (precision != v1::BF16) return;
    warnings.push_back(absl::StrCat(field,
                                    ": BF16: this processor has no instructions for it (AVX-512 BF16 or AMX): many times slower than ",
                                    "FP32: set it to FP32, or use another processor"));
  };
  check("train.precision", resolved.train().precision());
  const bool has_teacher = resolved.distillation().type() != v1::DistillationSpec::NONE;
  if (has_teacher) check("teacher.precision", resolved.teacher().precision());
  return warnings;
}

}  // namespace deit::fit
