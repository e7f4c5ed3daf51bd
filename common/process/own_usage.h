// Memory use of this process.
#pragma once

#include <cstdint>

namespace deit::process {

int64_t PageFaults();         // so far, of pages that were not read from a disk
int64_t ResidentBytes();      // now
int64_t PeakResidentBytes();  // the most so far

}  // namespace deit::process
