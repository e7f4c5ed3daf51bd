// Python pickles as inert values: nothing that a pickle names is imported, called or made. Protocols 2 to 5, whose instructions are those of
// https://github.com/python/cpython/blob/3.11/Lib/pickletools.py; of older protocols' text instructions only those that newer ones kept.
#pragma once

#include <cstddef>
#include <deque>

#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/torch_save/pickle_value.h"

namespace deit::torch_save {

class Pickle {
 public:
  static constexpr size_t kMaxBytes = size_t{32} << 20;
  static constexpr size_t kMaxValues = size_t{1} << 20;

  // The pickle that `bytes` begin with; texts point into `bytes`, which the caller keeps. DataLoss names the instruction's place: one that is
  // unknown, operands beyond the end, a stack or memo without what the instruction wants; more than kMaxBytes or `max_values`.
  // States (BUILD) are left out: they hold nothing of a tensor. Values may contain themselves.
  static StatusOr<Pickle> Read(absl::string_view bytes, size_t max_values = kMaxValues);

  const PickleValue& root() const { return *root_; }
  size_t bytes() const { return bytes_; }                            // how many of the given bytes were the pickle's
  const std::deque<PickleValue>& values() const { return values_; }  // all of them, in the order in which they were made

 private:
  friend class PickleReader;
  std::deque<PickleValue> values_;
  const PickleValue* root_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace deit::torch_save
