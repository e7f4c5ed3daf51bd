// Whole files in one line, for tests that look at what was written or damage what is there.
#pragma once

#include <fstream>
#include <sstream>
#include <string>

namespace deit::testing {

// Empty for a file that is not there.
inline std::string ReadFile(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

inline void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

}  // namespace deit::testing
