// Operations that give each sample by its own value (and what the whole picture holds), bit for bit as PIL.ImageOps and PIL.ImageEnhance:
// 256-entry tables, applied in place. Thread-safe.
#pragma once

#include "worker/pixels/image.h"

namespace deit::pixels {

void Invert(Image* image);
// Keeps the upper `bits` (0 to 8) of each sample. 0 bits is black, as in Pillow up to 12; Pillow 13 refuses it.
void Posterize(int bits, Image* image);
// Inverts samples of at least `threshold` (0 to 256).
void Solarize(int threshold, Image* image);
// Adds `add` (0 to 255) to samples below 128, at most to 255.
void SolarizeAdd(int add, Image* image);
// Each channel stretched to 0..255.
void AutoContrast(Image* image);
// Each channel's histogram flattened.
void Equalize(Image* image);
// Away from black (factor 0), and from the mean luminance; 1: nothing changes.
void Brightness(double factor, Image* image);
void Contrast(double factor, Image* image);

}  // namespace deit::pixels
