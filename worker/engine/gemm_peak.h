// Measured GEMM peak of this machine, the reference for a step's utilisation.
#pragma once

#include "proto/spec.pb.h"

namespace deit::engine {

// FLOP/s of products of 2,048 x 2,048 matrices in `precision` on the threads that are set (numerics.h): the best of several, so that a
// moment's disturbance does not count. Takes about a second and 50 MB; workers that share processors must measure at the same time.
double GemmPeak(v1::Precision precision);

}  // namespace deit::engine
