#include "worker/exchange/node_buffers.h"

#include <sys/mman.h>

#include <utility>

#include "common/base/out_of_memory.h"

namespace deit::exchange {
namespace {

size_t Align(size_t bytes) { return (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment; }

// Byte offsets inside one member's part.
struct Offsets {
  size_t payload, payload_stride, slots, slot_stride, weights, compute, remote, reports, end;

  Offsets(const NodeBufferLayout& layout, int member) {
    const size_t elements = static_cast<size_t>(layout.elements);
    const bool first = member == 0;
    payload = Align(collective::FlagBoard::BytesPerRow(kFlagCount));  // flags come first
    payload_stride = Align(layout.payload_capacity);
    slots = payload + 2 * payload_stride;
    slot_stride = Align((elements + static_cast<size_t>(layout.statistics)) * sizeof(float));
    weights = slots + slot_stride * static_cast<size_t>(layout.slots[static_cast<size_t>(member)]);
    compute = weights + (first ? Align(elements * sizeof(float)) : 0);
    remote = compute + (first && layout.compute_copy ? Align(elements * sizeof(update::BFloat16Bits)) : 0);
    reports = remote + (first ? 2 * payload_stride * static_cast<size_t>(layout.workers) : 0);
    end = reports + (first ? Align(collective::FlagBoard::BytesPerRow(kReportFlags) * static_cast<size_t>(layout.workers)) : 0);
  }
};

}  // namespace

size_t NodeBufferLayout::BytesOf(int member) const { return Offsets(*this, member).end; }

StatusOr<std::unique_ptr<NodeBuffers>> NodeBuffers::Create(collective::Communicator* node_group, NodeBufferLayout layout) {
  auto memory = std::unique_ptr<NodeBuffers>(new NodeBuffers(std::move(layout)));
  const int member = node_group ? node_group->rank() : 0;
  const size_t bytes = memory->layout_.BytesOf(member);
  if (node_group && node_group->size() > 1) {
    DEIT_ASSIGN_OR_RETURN(memory->shared_, node_group->Share(bytes));
  } else {
    void* own = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (own == MAP_FAILED) return OutOfMemory(absl::StrCat("weights and gradients of ", bytes, " bytes"));
    madvise(own, bytes, MADV_HUGEPAGE);  // fewer first-touch faults; only a hint
    memory->own_ = {static_cast<std::byte*>(own), [bytes](std::byte* p) { munmap(p, bytes); }};
  }
  std::vector<std::byte*> rows;
  for (size_t k = 0; k < memory->layout_.slots.size(); ++k) rows.push_back(memory->Base(static_cast<int>(k)));
  memory->flags_ = std::make_unique<collective::FlagBoard>(std::move(rows), kFlagCount);
  std::vector<std::byte*> reports;
  std::byte* const first_report = memory->Base(0) + Offsets(memory->layout_, 0).reports;
  for (size_t w = 0; w < static_cast<size_t>(memory->layout_.workers); ++w) {
    reports.push_back(first_report + w * collective::FlagBoard::BytesPerRow(kReportFlags));
  }
  memory->remote_reports_ = std::make_unique<collective::FlagBoard>(std::move(reports), kReportFlags);
  return memory;
}

float* NodeBuffers::weights() const { return reinterpret_cast<float*>(Base(0) + Offsets(layout_, 0).weights); }

update::BFloat16Bits* NodeBuffers::compute_weights() const {
  if (!layout_.compute_copy) return nullptr;
  return reinterpret_cast<update::BFloat16Bits*>(Base(0) + Offsets(layout_, 0).compute);
}

float* NodeBuffers::slot(int member, int slot) const {
  const Offsets offsets(layout_, member);
  return reinterpret_cast<float*>(Base(member) + offsets.slots + offsets.slot_stride * static_cast<size_t>(slot));
}

std::byte* NodeBuffers::payload(int member, uint64_t sequence) const {
  const Offsets offsets(layout_, member);
  return Base(member) + offsets.payload + offsets.payload_stride * (sequence % 2);
}

std::byte* NodeBuffers::remote_payload(int worker, uint64_t sequence) const {
  const Offsets offsets(layout_, 0);
  return Base(0) + offsets.remote + offsets.payload_stride * (2 * static_cast<size_t>(worker) + sequence % 2);
}

}  // namespace deit::exchange
