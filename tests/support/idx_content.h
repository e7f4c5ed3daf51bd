// The bytes of small IDX files, right or wrong ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace deit::testing {

// Magic, dimensions and values of an IDX file of unsigned bytes.
inline std::string IdxContent(const std::vector<uint32_t>& dims, const std::string& values) {
  std::string content = {0, 0, 8, static_cast<char>(dims.size())};
  for (const uint32_t dim : dims) {
    for (const int shift : {24, 16, 8, 0}) content += static_cast<char>(dim >> shift & 255);
  }
  return content + values;
}

}  // namespace deit::testing
