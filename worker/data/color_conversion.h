// Conversion of stored color models to RGB, in place, on rows filled by a decoder.
#pragma once

#include <array>

#include "worker/pixels/image.h"

namespace deit::data {

using Palette = std::array<pixels::Colour, 256>;
Palette GrayPalette();  // each colour the gray of its index

// `image` holds an index per pixel. It becomes RGB, or stays at one channel where all colours are gray.
void ApplyPalette(const Palette& palette, pixels::Image* image);

// `image` holds four samples per pixel: ink (0: none), or, where `inverted`, what is left of white. It becomes RGB by Pillow's formula.
void CmykToRgb(bool inverted, pixels::Image* image);

// `image` holds RGB times alpha, and alpha. It becomes RGB, 0 where alpha is 0; as Pillow's RGBa.
void DivideByAlpha(pixels::Image* image);

}  // namespace deit::data
