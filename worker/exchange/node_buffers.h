// Buffers shared by the workers of one node: weights (once per node), each worker's gradient slots, metadata payloads and progress flags.
// In shared memory where the node has several workers, else in the worker's own. Every buffer starts on a 4,096-byte bound (law 1: results
// of some kernels depend on alignment below 16 bytes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/base/status.h"
#include "worker/collective/communicator.h"
#include "worker/collective/flags.h"
#include "worker/update/block_math.h"

namespace deit::exchange {

constexpr size_t kBufferAlignment = 4096;

// What each worker of a node contributes. The node's first worker also holds the weights and what arrives from other nodes.
struct NodeBufferLayout {
  int64_t elements = 0;         // of the flat parameter buffer
  int64_t statistics = 0;       // floats behind each slot's gradients: batch statistics of a lane
  bool compute_copy = false;    // a bfloat16 copy of the weights
  std::vector<int> slots;       // by member of the node
  size_t payload_capacity = 0;  // bytes of one worker's payload, with its header
  int workers = 1;              // of the whole job

  size_t BytesOf(int member) const;
};

// Flags of one worker. Values only grow, but for kPhase; each is documented at its writer. Those before kReportFlags are its
// report, which workers of other nodes see as well, a second later (worker_reports.h).
enum Flag : size_t {
  kStep,
  kPhase,
  kPieces,   // of work done, of whatever size
  kStop,     // 1: was asked to stop
  kGivenUp,  // 1 + the latest step that it has given up
  kReportFlags,
  kBucketsReady = kReportFlags,
  kPayload,
  kRemotePayloads,
  kWeightsUpdated,
  kFlagCount
};

// Thread-safe as far as flags are; who may write which buffer when is the exchange's protocol.
class NodeBuffers {
 public:
  // Collective over `node_group` when it has several members; null for a node of one. ResourceExhausted when shared memory has no room.
  static StatusOr<std::unique_ptr<NodeBuffers>> Create(collective::Communicator* node_group, NodeBufferLayout layout);

  float* weights() const;
  update::BFloat16Bits* compute_weights() const;                              // null without a compute copy
  float* slot(int member, int slot) const;                                    // elements gradients, then statistics
  std::byte* payload(int member, uint64_t sequence) const;                    // two of them, by the sequence number's last bit
  std::byte* remote_payload(int worker, uint64_t sequence) const;             // of a worker on another node
  collective::FlagBoard& flags() const { return *flags_; }                    // ranks are members of the node
  collective::FlagBoard& remote_reports() const { return *remote_reports_; }  // ranks are workers: those of other nodes; member 0 sets them
  const NodeBufferLayout& layout() const { return layout_; }

 private:
  explicit NodeBuffers(NodeBufferLayout layout) : layout_(std::move(layout)) {}
  std::byte* Base(int member) const { return shared_ ? shared_->base(member) : own_.get(); }

  NodeBufferLayout layout_;
  std::unique_ptr<collective::SharedMemory> shared_;
  std::unique_ptr<std::byte, std::function<void(std::byte*)>> own_;
  std::unique_ptr<collective::FlagBoard> flags_, remote_reports_;
};

}  // namespace deit::exchange
