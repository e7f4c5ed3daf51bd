// Numerics settings that make results reproducible, and the fingerprint text that two processes compare (law 1).
#pragma once

#include <string>

#include "common/base/status.h"
#include "proto/spec.pb.h"

namespace deit::engine {

// First thing in main(), before any thread and any math library call: pins what would choose kernels by chance (MKL_CBWR), and the
// allocator's habits (no trimming: fewer page faults). Never overwrites what the user has set.
void PinMathEnvironment();

// Exactly `threads` threads for tensor operations. InvalidArgument when OMP_THREAD_LIMIT would give fewer: bfloat16 results are then
// silently wrong.
Status SetThreads(int threads);

// "torch 2.14.1, AVX512, processor AVX512_BF16, MKL_CBWR=AVX512, ..., 1 thread, CPU, FP32": everything besides the spec that changes bits.
std::string DescribeNumerics(const v1::JobSpec& spec);

}  // namespace deit::engine
