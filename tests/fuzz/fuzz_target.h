// Entry point of a fuzz target: libFuzzer calls it with inputs of its own making (--preset fuzz), replay.cc with those of its corpus.
// It must return for every input; what the reader says of the input does not matter. https://llvm.org/docs/LibFuzzer.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace deit::testing {

inline std::string Content(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace deit::testing
