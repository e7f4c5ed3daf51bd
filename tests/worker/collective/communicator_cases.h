// Requirements on every backend, as test bodies that run on any number of workers: threads or processes.
#pragma once

#include <string>
#include <vector>

#include "tests/support/rank_harness.h"

namespace deit::testing {

struct CommunicatorCase {
  std::string name;
  WorkerBody body;
};

// All cases; each runs on 1 or more workers of one node.
const std::vector<CommunicatorCase>& CommunicatorCases();

}  // namespace deit::testing
