// Source of the trainer's micro-batches.
#pragma once

#include "absl/functional/function_ref.h"
#include "common/base/status.h"
#include "worker/data/loader.h"

namespace deit::train {

// Hands out this worker's micro-batches in order of step, then lane. Null after the last. One belongs to the caller until the next call.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  // Cancelled once `leave`, asked now and then while it waits, is true: the caller goes, and takes no other.
  virtual StatusOr<const data::MicroBatch*> Next(absl::FunctionRef<bool()> leave) = 0;
};

class LoaderSource final : public BatchSource {
 public:
  explicit LoaderSource(data::Loader* loader) : loader_(loader) {}  // not owned
  StatusOr<const data::MicroBatch*> Next(absl::FunctionRef<bool()> leave) override { return loader_->Next(leave); }

 private:
  data::Loader* loader_;
};

}  // namespace deit::train
