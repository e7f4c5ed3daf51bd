// Runs a tree program over ranges of floats. Bits depend only on the program's tree, not on chunks, addresses or who runs it.
#pragma once

#include <cstdint>
#include <span>

#include "common/plan/lane_tree.h"

namespace deit::exchange {

// Adds `inputs` (one range of `count` floats each, in the program's order) along `program`; output k goes to outputs[k], which may be an
// input's own range. An output that is an input unchanged is not copied: its entry in `outputs` is not touched.
void RunTreeProgram(const plan::TreeProgram& program, std::span<const float* const> inputs, std::span<float* const> outputs, int64_t count);

}  // namespace deit::exchange
