#include "worker/exchange/message_batch.h"

#include <utility>

namespace deit::exchange {

Status MessageBatch::Receive(collective::Buffer buffer, int from, int tag, int owner) {
  DEIT_ASSIGN_OR_RETURN(auto transfer, context_->world->Receive(buffer, from, tag));
  transfers_.push_back(std::move(transfer));
  origins_.push_back({from, owner});
  return absl::OkStatus();
}

Status MessageBatch::Send(collective::Buffer buffer, int to, int tag) {
  DEIT_ASSIGN_OR_RETURN(auto transfer, context_->world->Send(buffer, to, tag));
  transfers_.push_back(std::move(transfer));
  origins_.push_back({});
  bytes_sent_ += static_cast<int64_t>(buffer.bytes());
  return absl::OkStatus();
}

Status MessageBatch::Finish(absl::string_view what) {
  return collective::WaitAll(transfers_, context_->deadline, [&] {
    for (size_t k = 0; k < transfers_.size(); ++k) {
      const auto done = transfers_[k]->Test();
      if (origins_[k].sender < 0 || (done.ok() && *done)) continue;
      const Topology& topology = context_->plan->topology();
      const auto node = static_cast<size_t>(topology.node_of[static_cast<size_t>(origins_[k].sender)]);
      const int late = origins_[k].owner >= 0 ? origins_[k].owner : context_->FurthestBehind(topology.members[node]);
      return collective::WaitDescription{absl::StrCat("worker ", late, " did not send ", what, " of step ", context_->step),
                                         context_->LastReport(late)};
    }
    return collective::WaitDescription{absl::StrCat("a peer did not take ", what, " of step ", context_->step), ""};
  });
}

}  // namespace deit::exchange
