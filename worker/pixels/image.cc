#include "worker/pixels/image.h"

#include "common/base/status.h"

namespace deit::pixels {

void ConvertChannels(int channels, Image* image) {
  DEIT_CHECK(channels == 1 || channels == 3);
  if (image->channels == channels) return;
  const size_t count = static_cast<size_t>(image->width) * static_cast<size_t>(image->height);
  if (channels == 1) {
    for (size_t i = 0; i < count; ++i) image->pixels[i] = Luminance(&image->pixels[3 * i]);
    image->Reset(image->width, image->height, 1);
    return;
  }
  image->Reset(image->width, image->height, 3);
  for (size_t i = count; i-- > 0;) {  // from the end, so that it can be done in place
    const uint8_t gray = image->pixels[i];
    for (size_t c = 0; c < 3; ++c) image->pixels[3 * i + c] = gray;
  }
}

}  // namespace deit::pixels
