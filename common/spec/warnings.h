// Fields that a job can train with, but hardly wants to.
#pragma once

#include <string>
#include <vector>

#include "proto/spec.pb.h"

namespace deit::spec {

// One sentence for each, "path: value: why", of a resolved, valid spec: warnings. Looks at no file.
std::vector<std::string> Warnings(const v1::JobSpec& resolved);

}  // namespace deit::spec
