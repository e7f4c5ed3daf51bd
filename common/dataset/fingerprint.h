// Data set fingerprint, as Index::fingerprint documents it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/digest.h"

namespace deit::dataset {

// xxh3-64 over path, bytes and label of images, fed in their order.
class Fingerprint {
 public:
  void Add(absl::string_view path, int64_t bytes, int32_t label) {
    entry_.clear();
    absl::StrAppend(&entry_, path, "\n", bytes, "\n", label, "\n");
    digest_.Update(entry_.data(), entry_.size());
  }
  uint64_t Value() const { return digest_.Value(); }

 private:
  DigestStream digest_;
  std::string entry_;  // kept: one allocation for all images
};

}  // namespace deit::dataset
