// Batch of concurrent sends and receives of one worker, with the failed peer named where a message does not arrive.
#pragma once

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "worker/exchange/context.h"

namespace deit::exchange {

// One trade of one step: start all messages, then Finish. The buffers stay alive until then. One thread at a time.
class MessageBatch {
 public:
  explicit MessageBatch(const Context* context) : context_(context) {}

  // `from` is a worker of another node that sends for `owner`, whom a message about what is missing names. Owner -1: for all of its node, of
  // whom the message names the one that is furthest behind.
  Status Receive(collective::Buffer buffer, int from, int tag, int owner);
  Status Send(collective::Buffer buffer, int to, int tag);

  // Blocks until all messages have arrived, at most the context's deadline: "worker 3 did not send WHAT of step 12".
  Status Finish(absl::string_view what);

  int64_t bytes_sent() const { return bytes_sent_; }  // handed to the transport

 private:
  const Context* context_;
  std::vector<std::unique_ptr<collective::Transfer>> transfers_;
  struct Origin {
    int sender = -1, owner = -1;  // sender -1: the message leaves
  };
  std::vector<Origin> origins_;  // by transfer
  int64_t bytes_sent_ = 0;
};

}  // namespace deit::exchange
