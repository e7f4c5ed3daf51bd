// Bitmap font of 5 x 7 pixels for captions.
#pragma once

#include <cstdint>

namespace deit::preview {

inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 7;

// Bit y of column x of a character: a dot. Of '?' for what is not printable ASCII.
uint8_t GlyphColumn(char character, int x);

}  // namespace deit::preview
