// Warnings about a job that this machine's processor computes slowly.
#pragma once

#include <string>
#include <vector>

#include "common/machine/processor.h"
#include "proto/spec.pb.h"

namespace deit::fit {

// Each of train.precision and teacher.precision that is BF16 without instructions for it, with what to do. `resolved`: of common/spec.
std::vector<std::string> ProcessorWarnings(const v1::JobSpec& resolved, const machine::Processor& processor,
                                           const machine::Environment& environment = machine::ProcessEnvironment);

}  // namespace deit::fit
