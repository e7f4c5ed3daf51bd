#include "common/process/allowed_cores.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <vector>

namespace deit::process {

int AllowedCores() {
  // A machine of more cores than the mask has room for is refused with EINVAL.
  for (size_t room = 1024; room <= size_t{1} << 20; room *= 2) {
    const size_t size = CPU_ALLOC_SIZE(room);
    std::vector<char> mask(size);
    auto* const set = reinterpret_cast<cpu_set_t*>(mask.data());
    if (::sched_getaffinity(0, size, set) == 0) return std::max(1, CPU_COUNT_S(size, set));
    if (errno != EINVAL) break;
  }
  return 1;
}

}  // namespace deit::process
