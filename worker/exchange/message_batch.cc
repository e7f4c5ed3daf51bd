#include "worker/exchange/message_batch.h"

#include <utility>

namespace deit::exchange {

Status MessageBatch::Receive(collective::Buffer buffer, int from, int tag, int owner) {
  DEIT_ASSIGN_OR_RETURN(auto transfer, context_->world->Receive(buffer, from, tag));
  transfers_.push_back(std::move(transfer));
  owners_.push_back(owner);
  return absl::OkStatus();
}

Status MessageBatch::Send(collective::Buffer buffer, int to, int tag) {
  DEIT_ASSIGN_OR_RETURN(auto transfer, context_->world->Send(buffer, to, tag));
  transfers_.push_back(std::move(transfer));
  owners_.push_back(-1);
  bytes_sent_ += static_cast<int64_t>(buffer.bytes());
  return absl::OkStatus();
}

Status MessageBatch::Finish(absl::string_view what) {
  return collective::WaitAll(transfers_, context_->deadline, [&] {
    for (size_t k = 0; k < transfers_.size(); ++k) {
      const auto done = transfers_[k]->Test();
      if (owners_[k] >= 0 && !(done.ok() && *done)) {
        return collective::WaitDescription{absl::StrCat("worker ", owners_[k], " did not send ", what, " of step ", context_->step), ""};
      }
    }
    return collective::WaitDescription{absl::StrCat("a peer did not take ", what, " of step ", context_->step), ""};
  });
}

}  // namespace deit::exchange
