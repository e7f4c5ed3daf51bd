#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "tests/fuzz/fuzz_target.h"
#include "worker/data/image.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static deit::data::Image image;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (!deit::data::DecodePng(bytes, &image).ok()) return 0;
  const size_t samples = static_cast<size_t>(image.width) * static_cast<size_t>(image.height) * static_cast<size_t>(image.channels);
  DEIT_CHECK(samples > 0 && image.pixels.size() == samples, "pixels=", image.pixels.size());
  return 0;
}
