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

// "torch 2.14.1, AVX512, processor AVX512_BF16, GenuineIntel family 6 model 207, L2 2097152, L3 110100480, AMX, glibc 2.36, build 0a1b...,
// MKL_CBWR=AVX512, ..., 1 thread, CPU, FP32": everything besides the spec that changes bits. oneDNN and MKL choose by vendor, caches and AMX;
// initial weights and schedule use glibc's functions; another build may order our own sums otherwise.
std::string DescribeNumerics(const v1::JobSpec& spec);

}  // namespace deit::engine
