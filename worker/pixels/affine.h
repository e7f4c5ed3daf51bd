// Pillow's affine maps, bit for bit: shear, translation and rotation of a picture onto its own size, as timm's operations use them.
// https://github.com/python-pillow/Pillow, src/libImaging/Geometry.c and PIL.Image.rotate. Bicubic has a = -1 here, unlike in resize.
#pragma once

#include "worker/pixels/image.h"
#include "worker/pixels/pixel_kernels.h"

namespace deit::pixels {

// Image.transform(size, AFFINE, map, filter, fillcolor): `out` (not `in`) gets in's size. `filter`: kNearest, kBilinear or kBicubic. Map and
// picture are such that no source coordinate reaches 32,768.
void Affine(const Image& in, const AffineMap& map, Filter filter, const Colour& fill, Image* out, const Kernels& kernels = NativeKernels());

// Image.rotate(degrees, filter, fillcolor): about the centre, counter-clockwise; whole quarter turns are exact where the size allows them.
void Rotate(const Image& in, double degrees, Filter filter, const Colour& fill, Image* out, const Kernels& kernels = NativeKernels());

}  // namespace deit::pixels
