// Training images that a job can use, but hardly wants to.
#pragma once

#include <string>
#include <vector>

#include "common/dataset/index.h"

namespace deit::dataset {

// One sentence for each, a warning: more outputs than classes, a hidden folder as a class, and data.max_images that keeps the first classes
// alone. O(train.size()).
std::vector<std::string> Warnings(const v1::JobSpec& spec, const Index& train);

}  // namespace deit::dataset
