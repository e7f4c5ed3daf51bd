// Measured GEMM peak of this machine, the reference for a step's utilisation.
#pragma once

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "proto/spec.pb.h"

namespace deit::engine {

// FLOP/s of products of square matrices in `precision`, up to 2,048 x 2,048, on the threads that are set (numerics.h): the best of several, so
// that a moment's disturbance does not count. Takes about a second and up to 34 MB, and without instructions for `precision` smaller matrices and
// up to half a minute. Workers that share processors must measure at the same time.
double GemmPeak(v1::Precision precision);

inline constexpr int64_t kLargestSide = 2048;

// The best rate of products of square matrices, whose side doubles up to kLargestSide unless a product would take more than about 4 s.
double BestRate(absl::FunctionRef<double(int64_t side)> seconds_of_product);

}  // namespace deit::engine
