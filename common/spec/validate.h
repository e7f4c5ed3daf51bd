// Validation rules that involve several fields. Types and ranges of single fields are the loader's (assign.h), sizes of models the
// catalog's.
#pragma once

#include "common/spec/problems.h"
#include "proto/spec.pb.h"

namespace deit::spec {

// Adds one sentence for each broken rule of a resolved spec: the value, the rule, and what to set instead. Looks at no file.
void Validate(const v1::JobSpec& resolved, Problems* problems);

}  // namespace deit::spec
