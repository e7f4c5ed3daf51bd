// The error for a field of a model that does not fit the others.
#pragma once

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::models {

// InvalidArgument, `field: message`.
inline Status FieldError(absl::string_view field, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", message));
}

}  // namespace deit::models
