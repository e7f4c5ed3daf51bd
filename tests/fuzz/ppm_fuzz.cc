#include "tests/fuzz/decoder.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes = deit::testing::Content(data, size);
  if (size < 2 || bytes[0] != 'P' || bytes[1] < '1' || bytes[1] > '6') return 0;  // who calls has looked already
  deit::testing::FuzzDecoder(deit::data::DecodePpm, bytes);
  return 0;
}
