#include "common/base/digest.h"
#include "tests/fuzz/decoder.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/image_regions.h"

namespace deit::testing {
namespace {

// Parts that the bytes choose have the whole's samples, or its error.
void FuzzParts(const std::string& bytes) {
  static data::Image whole;
  static data::Picture picture;
  const Status status = data::DecodeJpeg(bytes, &whole);
  std::minstd_rand random(static_cast<unsigned>(Digest64(bytes.data(), bytes.size())));
  for (int k = 0; k < 3; ++k) {
    pixels::Rectangle wanted;
    const auto draw = [&](int width, int height) { return wanted = DrawPart(width, height, &random); };
    DEIT_CHECK(data::DecodeJpeg(bytes, draw, &picture) == status, status.ToString());
    if (status.ok()) DEIT_CHECK(data::Holds(picture.part, wanted) && IsPartOf(picture, whole), "part ", k);
  }
  constexpr size_t kKept = 1 << 24;  // samples; memory of larger pictures would add up
  if (whole.pixels.capacity() > kKept) whole = {};
  if (picture.image.pixels.capacity() > kKept) picture = {};
}

}  // namespace
}  // namespace deit::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes = deit::testing::Content(data, size);
  deit::testing::FuzzDecoder(deit::data::DecodeJpeg, bytes);
  deit::testing::FuzzParts(bytes);
  return 0;
}
