#include "worker/collective/buffer_checks.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace deit::collective {

Status CheckBuffer(const Buffer& buffer) {
  if (buffer.memory != Memory::kHost) return absl::InvalidArgumentError("buffer: CUDA memory: this backend carries host memory only");
  if (buffer.count > kMaxCount) return absl::InvalidArgumentError(absl::StrCat("buffer: ", buffer.count, " elements: at most ", kMaxCount));
  if (buffer.count > 0 && buffer.data == nullptr) return absl::InvalidArgumentError("buffer: null pointer");
  return absl::OkStatus();
}

Status CheckMessage(const Buffer& buffer, int peer, int tag, int size) {
  if (peer < 0 || peer >= size) return absl::InvalidArgumentError(absl::StrCat("peer: ", peer, ": the group has ", size, " members"));
  if (tag < 0 || tag > kMaxTag) return absl::InvalidArgumentError(absl::StrCat("tag: ", tag, ": 0 to ", kMaxTag));
  return CheckBuffer(buffer);
}

Status CheckParts(const Buffer& whole, const std::vector<size_t>& counts, const Buffer& part, int rank, int size) {
  DEIT_RETURN_IF_ERROR(CheckBuffer(whole));
  DEIT_RETURN_IF_ERROR(CheckBuffer(part));
  if (counts.size() != static_cast<size_t>(size)) {
    return absl::InvalidArgumentError(absl::StrCat("counts: ", counts.size(), " of them: the group has ", size, " members"));
  }
  const size_t total = std::accumulate(counts.begin(), counts.end(), size_t{0});
  if (whole.count != total || part.count != counts[static_cast<size_t>(rank)] || whole.type != part.type) {
    return absl::InvalidArgumentError(
        absl::StrCat("counts: [", absl::StrJoin(counts, ", "), "]: the buffers have ", whole.count, " and ", part.count, " elements"));
  }
  return absl::OkStatus();
}

Status CheckMembers(const std::vector<int>& members, int rank, int size) {
  const bool ascending = std::adjacent_find(members.begin(), members.end(), std::greater_equal<>()) == members.end();
  const bool within = !members.empty() && members.front() >= 0 && members.back() < size;
  if (!ascending || !within || !std::binary_search(members.begin(), members.end(), rank)) {
    return absl::InvalidArgumentError(
        absl::StrCat("members: [", absl::StrJoin(members, ", "), "]: not ascending ranks of ", size, " with ", rank, " among them"));
  }
  return absl::OkStatus();
}

Status CheckOneNode(const std::vector<std::string>& hosts) {
  if (std::adjacent_find(hosts.begin(), hosts.end(), std::not_equal_to<>()) != hosts.end()) {
    return absl::InvalidArgumentError(absl::StrCat("shared memory: members on several nodes: ", absl::StrJoin(hosts, ", ")));
  }
  return absl::OkStatus();
}

}  // namespace deit::collective
