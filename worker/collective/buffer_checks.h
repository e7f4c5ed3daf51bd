// Argument checks shared by all backends. InvalidArgument names the value: a bug of the caller.
#pragma once

#include <string>
#include <vector>

#include "common/base/status.h"
#include "worker/collective/communicator.h"

namespace deit::collective {

// Host memory, at most kMaxCount elements, a pointer unless empty.
Status CheckBuffer(const Buffer& buffer);

// For point to point operations.
Status CheckMessage(const Buffer& buffer, int peer, int tag, int size);

// For ReduceScatter (whole = input, part = output) and AllGather (whole = output, part = input) of the given rank.
Status CheckParts(const Buffer& whole, const std::vector<size_t>& counts, const Buffer& part, int rank, int size);

// For Subgroup: ascending ranks of a group of `size`, `rank` among them.
Status CheckMembers(const std::vector<int>& members, int rank, int size);

// For Share: all on one host.
Status CheckOneNode(const std::vector<std::string>& hosts);

}  // namespace deit::collective
