#include "worker/weights/wrapper_names.h"

#include "absl/strings/str_cat.h"
#include "common/models/vit_pytorch.h"

namespace deit::weights {

std::string DistillWrapperName(const std::string& name) { return models::IsDistillWrappers(name) ? name : absl::StrCat("student.", name); }

}  // namespace deit::weights
