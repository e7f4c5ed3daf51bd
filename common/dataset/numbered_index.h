// Index of images that are numbered rather than named: IDX, CIFAR and SYNTHETIC.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/dataset/index.h"

namespace deit::dataset {

class NumberedIndex final : public Index {
 public:
  // `image_bytes`: of each image. Classes are named by `classes` as far as it goes, then by their numbers.
  NumberedIndex(Split split, std::vector<int32_t> labels, int64_t image_bytes, int num_classes, std::vector<std::string> classes = {})
      : split_(split), labels_(std::move(labels)), image_bytes_(image_bytes), classes_(std::move(classes)) {
    for (int c = static_cast<int>(classes_.size()); c < num_classes; ++c) classes_.push_back(absl::StrCat(c));
    classes_.resize(static_cast<size_t>(num_classes));
  }

  Split split() const override { return split_; }
  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  int32_t label(int64_t i) const override { return labels_[static_cast<size_t>(i)]; }
  std::string path(int64_t i) const override { return absl::StrCat(Name(split_), "/", i); }
  int64_t bytes(int64_t) const override { return image_bytes_; }
  const std::vector<std::string>& classes() const override { return classes_; }

 private:
  const Split split_;
  const std::vector<int32_t> labels_;
  const int64_t image_bytes_;
  std::vector<std::string> classes_;
};

}  // namespace deit::dataset
