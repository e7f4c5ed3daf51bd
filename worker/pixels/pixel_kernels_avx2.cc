// The kernels compiled with -mavx2: called only where the processor has it.
#include "worker/pixels/kernel_bodies.h"

namespace deit::pixels {

const Kernels& Avx2Kernels();  // declared again in kernels.cc, its only caller
const Kernels& Avx2Kernels() { return kKernelsHere; }

}  // namespace deit::pixels
