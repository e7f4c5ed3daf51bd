// The processor of this machine: its identity, caches and instruction sets, as far as they choose kernels of math libraries.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "absl/strings/string_view.h"

namespace deit::machine {

struct Processor {
  std::string vendor;              // GenuineIntel, AuthenticAMD; empty: the machine does not say
  int family = 0, model = 0;       // as /proc/cpuinfo has them
  std::set<std::string> flags;     // the same; empty on other architectures
  int64_t level2 = 0, level3 = 0;  // cache bytes; 0: unknown
  bool tiles = false;              // AMX may be used: the processor has it, and the kernel lets this process
};

// The processor of this machine, read once per process; all are assumed equal to the first. Asks the kernel for the use of AMX tiles, as oneDNN does.
const Processor& ThisProcessor();

// Vendor, family, model and flags of the first processor of a /proc/cpuinfo.
Processor ReadProcessor(absl::string_view cpuinfo);

// "GenuineIntel family 6 model 207, L2 2097152, L3 110100480, AMX".
std::string Describe(const Processor& processor);

// The value of an environment variable; empty: not set.
using Environment = std::function<std::string(const char* name)>;
std::string ProcessEnvironment(const char* name);

// Whether products of bfloat16 numbers have instructions of their own (AVX-512 BF16 or AMX) that LibTorch (ATEN_CPU_CAPABILITY) and oneDNN
// (ONEDNN_MAX_CPU_ISA, DNNL_MAX_CPU_ISA) may use. Without them a step in BF16 takes many times as long as one in FP32.
bool ComputesInBfloat16(const Processor& processor, const Environment& environment = ProcessEnvironment);

}  // namespace deit::machine
