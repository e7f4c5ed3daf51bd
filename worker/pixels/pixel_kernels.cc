#include "worker/pixels/pixel_kernels.h"

#include "worker/pixels/kernel_bodies.h"

namespace deit::pixels {

#if defined(DEIT_PIXELS_AVX2)
const Kernels& Avx2Kernels();  // pixel_kernels_avx2.cc
#endif

const Kernels& PortableKernels() { return kKernelsHere; }

const Kernels& NativeKernels() {
#if defined(DEIT_PIXELS_AVX2)
  static const Kernels& kernels = __builtin_cpu_supports("avx2") ? Avx2Kernels() : PortableKernels();
  return kernels;
#else
  return PortableKernels();
#endif
}

}  // namespace deit::pixels
