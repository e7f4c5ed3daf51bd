// Parallel execution of independent, slow file system operations.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "common/base/status.h"

namespace deit::dataset {

// Calls `work(0)` to `work(count - 1)` on several threads, each once. The error of the smallest i that failed; after one, those that have
// not begun are left out.
inline Status InParallel(size_t count, const std::function<Status(size_t i)>& work) {
  constexpr size_t kThreads = 16;  // disks and network file systems answer many at a time, whatever the number of cores
  std::vector<Status> outcomes(count);
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  const auto run = [&] {
    for (size_t i = next++; i < count && !failed; i = next++) {
      outcomes[i] = work(i);
      if (!outcomes[i].ok()) failed = true;
    }
  };
  std::vector<std::jthread> threads;
  for (size_t t = 1; t < std::min(kThreads, count); ++t) threads.emplace_back(run);
  run();
  threads.clear();
  for (Status& outcome : outcomes) DEIT_RETURN_IF_ERROR(std::move(outcome));
  return absl::OkStatus();
}

}  // namespace deit::dataset
