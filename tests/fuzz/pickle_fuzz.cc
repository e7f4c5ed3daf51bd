#include <algorithm>

#include "common/base/status.h"
#include "common/torch_save/pickle.h"
#include "tests/fuzz/fuzz_target.h"

// A pickle without the archive around it, whose checksums and lengths hide it from changes. What is accepted holds values of its own only.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using deit::torch_save::PickleValue;
  const std::string bytes = deit::testing::Content(data, size);
  const auto pickle = deit::torch_save::Pickle::Read(bytes, size_t{1} << 16);
  if (!pickle.ok()) return 0;
  DEIT_CHECK(pickle->bytes() <= size, "bytes=", pickle->bytes());
  for (const PickleValue& value : pickle->values()) {
    const std::string shown = deit::torch_save::Description(value);
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' '; };
    DEIT_CHECK(std::none_of(shown.begin(), shown.end(), is_control), "shown ", shown);
    for (const PickleValue* item : value.items) DEIT_CHECK(item != nullptr, "an item of ", shown);
  }
  return 0;
}
