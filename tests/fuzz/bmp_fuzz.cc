#include "tests/fuzz/decoder.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  deit::testing::FuzzDecoder(deit::data::DecodeBmp, deit::testing::Content(data, size));
  return 0;
}
