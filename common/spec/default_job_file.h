// Job file of a command that names none, as make takes Makefile.
#pragma once

#include <string>

namespace deit::spec {

inline constexpr char kDefaultJobFile[] = "deit.textproto";

// It, where the current folder has one; else empty.
std::string FindDefaultJobFile();

}  // namespace deit::spec
