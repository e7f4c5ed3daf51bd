// Operations that look at a pixel's channels or neighbours, bit for bit as PIL.ImageEnhance and PIL.ImageFilter. In place; `scratch` is
// another image, whose memory is used. Thread-safe.
#pragma once

#include "worker/pixels/image.h"
#include "worker/pixels/pixel_kernels.h"

namespace deit::pixels {

// Away from the picture's luminance (factor 0: gray, 1: nothing changes). A gray picture does not change.
void Saturation(double factor, Image* image, Image* scratch, const Kernels& kernels = NativeKernels());

// Away from the smoothed picture (0: smooth, 1: nothing changes, above: sharper). The outermost pixels do not change.
void Sharpness(double factor, Image* image, Image* scratch, const Kernels& kernels = NativeKernels());

// Three box blurs each way that come near a Gaussian of standard deviation `radius` pixels (above 0).
void GaussianBlur(double radius, Image* image, Image* scratch);

}  // namespace deit::pixels
