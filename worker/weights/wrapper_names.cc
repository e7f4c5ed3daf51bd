#include "worker/weights/wrapper_names.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace deit::weights {

std::string DistillWrapperName(const std::string& name) {
  return absl::StartsWith(name, "distill") ? name : absl::StrCat("student.", name);
}

}  // namespace deit::weights
