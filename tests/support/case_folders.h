// Main of a program that reads each case of a folder: FOLDER/N, as tests/parity/random_cases.py makes them.
#pragma once

#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>

#include "common/base/status.h"

namespace deit::testing {

// Reads case by case; an error is printed and ends the program.
inline int ReadCases(int argc, char** argv, const std::function<Status(const std::filesystem::path& folder)>& read) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1], error)) {
    const Status status = read(entry.path());
    if (status.ok()) continue;
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return 1;
  }
  return error ? 1 : 0;
}

}  // namespace deit::testing
