#include <algorithm>

#include "common/base/status.h"
#include "common/control/frame.h"
#include "tests/fuzz/fuzz_target.h"

// The first byte is the size of the pieces in which the rest arrives.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = std::max<size_t>(1, data[0]);
  const std::string stream = deit::testing::Content(data + 1, size - 1);
  deit::control::FrameReader reader;
  std::string again;
  for (size_t at = 0; at < stream.size(); at += piece) {
    reader.Append(stream.substr(at, piece));
    while (const auto message = reader.Next()) {
      DEIT_CHECK(message->size() <= deit::control::kMaxFrameBytes, message->size());
      again += deit::control::EncodeFrame(*message);
    }
  }
  DEIT_CHECK(stream.compare(0, again.size(), again) == 0, "messages are what the stream holds, in its order");
  return 0;
}
