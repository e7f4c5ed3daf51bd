#include "absl/strings/match.h"
#include "tests/fuzz/decoder.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes = deit::testing::Content(data, size);
  if (size < 12 || !absl::StartsWith(bytes, "RIFF") || bytes.substr(8, 4) != "WEBP") return 0;  // who calls has looked already
  deit::testing::FuzzDecoder(deit::data::DecodeWebp, bytes);
  return 0;
}
