// Identity of this program's build.
#pragma once

#include <string>

namespace deit::process {

// Hex digits of the linker's build id (the ELF note NT_GNU_BUILD_ID): equal for equal code, compiler, options and path of the source folder.
// Empty for a program that was linked without one.
std::string BuildId();

}  // namespace deit::process
