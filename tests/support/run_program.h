// Runs a built program as a user would, and catches what it prints.
#pragma once

#include <string>
#include <vector>

#include "tests/support/child_process.h"

namespace deit::testing {

// argv[0] is the program's path; `folder` becomes its current folder. 127: it could not be started.
inline ChildResult RunProgram(const std::vector<std::string>& argv, const std::string& folder = "/") {
  return RunChild([&] {
    std::vector<char*> words;
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));  // NOLINT: execv's signature
    words.push_back(nullptr);
    if (::chdir(folder.c_str()) == 0) ::execv(words[0], words.data());
    ::_exit(127);
  });
}

}  // namespace deit::testing
