// Measured GEMM peak of this machine, the reference for a step's utilisation.
#pragma once

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "proto/spec.pb.h"

namespace deit::engine {

// FLOP/s of products of 2,048 x 2,048 matrices in `precision` on the threads that are set (numerics.h): the best of several, so that a
// moment's disturbance does not count. Takes about a second and 16 MB; workers that share processors must measure at the same time. A
// processor without instructions for `precision` is measured by smaller products, in a few seconds.
double GemmPeak(v1::Precision precision);

inline constexpr int64_t kLargestSide = 2048;

// The best rate of products of square matrices, whose side doubles up to kLargestSide unless a product would take more than about 4 s.
double BestRate(absl::FunctionRef<double(int64_t side)> seconds_of_product);

}  // namespace deit::engine
