// A file whose content a fuzz target replaces for each input, for readers that take a path. One per process; gone at its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>

#include "tests/support/temp_folder.h"

namespace deit::testing {

// Writes `data` into `folder`/`name` and returns that path.
inline std::string WriteScratch(const TempFolder& folder, const std::string& name, const uint8_t* data, size_t size) {
  const std::string path = folder / name;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  return path;
}

}  // namespace deit::testing
