#include "worker/data/color_conversion.h"

#include <algorithm>

namespace deit::data {
namespace {

using pixels::Colour;
using pixels::Image;

uint8_t Times(int a, int b) {  // a * b / 255, rounded as Pillow does
  const int product = a * b + 128;
  return static_cast<uint8_t>(((product >> 8) + product) >> 8);
}

bool IsGray(const Colour& colour) { return colour[0] == colour[1] && colour[1] == colour[2]; }

}  // namespace

Palette GrayPalette() {
  Palette palette;
  for (size_t i = 0; i < palette.size(); ++i) palette[i].fill(static_cast<uint8_t>(i));
  return palette;
}

void ApplyPalette(const Palette& palette, Image* image) {
  if (std::all_of(palette.begin(), palette.end(), IsGray)) {
    for (uint8_t& sample : image->pixels) sample = palette[sample][0];
    return;
  }
  const size_t pixels = image->pixels.size();
  image->Reset(image->width, image->height, 3);
  for (size_t i = pixels; i-- > 0;) {  // from the end, so that no index is overwritten before it is read
    const Colour& colour = palette[image->pixels[i]];
    std::copy(colour.begin(), colour.end(), &image->pixels[3 * i]);
  }
}

void CmykToRgb(bool inverted, Image* image) {
  const size_t pixels = image->pixels.size() / 4;
  const int flip = inverted ? 255 : 0;
  for (size_t i = 0; i < pixels; ++i) {
    const uint8_t* from = &image->pixels[4 * i];
    const int white = 255 - (from[3] ^ flip);
    const int cyan = from[0] ^ flip, magenta = from[1] ^ flip, yellow = from[2] ^ flip;
    uint8_t* to = &image->pixels[3 * i];
    to[0] = static_cast<uint8_t>(white - Times(cyan, white));
    to[1] = static_cast<uint8_t>(white - Times(magenta, white));
    to[2] = static_cast<uint8_t>(white - Times(yellow, white));
  }
  image->Reset(image->width, image->height, 3);
}

void DivideByAlpha(Image* image) {
  const size_t pixels = image->pixels.size() / 4;
  for (size_t i = 0; i < pixels; ++i) {
    const uint8_t* from = &image->pixels[4 * i];
    const int alpha = from[3];
    uint8_t* to = &image->pixels[3 * i];
    for (int c = 0; c < 3; ++c) to[c] = static_cast<uint8_t>(alpha == 0 ? 0 : std::min(255, from[c] * 255 / alpha));
  }
  image->Reset(image->width, image->height, 3);
}

}  // namespace deit::data
