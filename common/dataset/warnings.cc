#include "common/dataset/warnings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace deit::dataset {

std::vector<std::string> Warnings(const v1::JobSpec& spec, const Index& train) {
  std::vector<std::string> warnings;
  if (spec.data().format() == v1::DataSpec::SYNTHETIC) return warnings;
  const auto outputs = static_cast<size_t>(spec.model().num_classes());
  std::vector<bool> is_shown(outputs);
  for (int64_t i = 0; i < train.size(); ++i) is_shown[static_cast<size_t>(train.label(i))] = true;
  const auto shown = static_cast<size_t>(std::count(is_shown.begin(), is_shown.end(), true));
  const size_t classes = train.classes().size();
  if (spec.data().max_images() > 0 && shown < classes) {
    warnings.push_back(absl::StrCat("data.max_images: ", spec.data().max_images(), ": the first ", train.size(),
                                    " images, in the order of the data, are of ", shown, " of ", classes, " classes"));
  } else if (shown < outputs) {
    warnings.push_back(absl::StrCat("model.num_classes: ", outputs, ": the training images are of ", shown, " classes"));
  }
  if (spec.data().format() != v1::DataSpec::IMAGE_FOLDER) return warnings;
  for (size_t label = 0; label < classes; ++label) {
    if (train.classes()[label].substr(0, 1) != ".") continue;
    warnings.push_back(absl::StrCat("data.root: the hidden folder train/", train.classes()[label], " is class ", label,
                                    " (as in torchvision): remove it"));
  }
  return warnings;
}

}  // namespace deit::dataset
