#include "common/process/own_usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace deit::process {
namespace {

rusage OwnUsage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage;
}

}  // namespace

int64_t PageFaults() { return OwnUsage().ru_minflt; }

int64_t ResidentBytes() {
  int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

int64_t PeakResidentBytes() { return int64_t{OwnUsage().ru_maxrss} << 10; }

}  // namespace deit::process
