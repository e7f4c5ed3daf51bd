#include "worker/exchange/tree_sum.h"

#include <algorithm>
#include <vector>

#include "worker/update/block_math.h"

namespace deit::exchange {
namespace {
constexpr int64_t kChunk = 4096;  // floats: the temporaries of a deep tree stay in the first-level cache
}

void RunTreeProgram(const plan::TreeProgram& program, std::span<const float* const> inputs, std::span<float* const> outputs,
                    int64_t count) {
  if (program.adds.empty()) return;
  const size_t registers = static_cast<size_t>(program.registers), n_inputs = static_cast<size_t>(program.inputs);
  // Only a temporary's last write is an output: an earlier one under the same register number must not reach the output's range.
  std::vector<float*> target(program.adds.size(), nullptr);
  for (size_t k = 0; k < program.outputs.size(); ++k) {
    for (size_t a = program.adds.size(); a-- > 0;) {
      if (program.adds[a].dst != program.outputs[k].reg) continue;
      target[a] = outputs[k];
      break;
    }
  }
  static thread_local std::vector<float> scratch;
  scratch.resize(std::max(scratch.size(), (registers - n_inputs) * static_cast<size_t>(kChunk)));
  std::vector<const float*> value(registers);
  for (int64_t begin = 0; begin < count; begin += kChunk) {
    const int64_t n = std::min(kChunk, count - begin);
    for (size_t i = 0; i < n_inputs; ++i) value[i] = inputs[i] + begin;
    for (size_t a = 0; a < program.adds.size(); ++a) {
      const plan::TreeAdd& add = program.adds[a];
      const size_t dst = static_cast<size_t>(add.dst);
      float* out = target[a] ? target[a] + begin : scratch.data() + (dst - n_inputs) * static_cast<size_t>(kChunk);
      update::Sum(value[static_cast<size_t>(add.a)], value[static_cast<size_t>(add.b)], out, n);
      value[dst] = out;
    }
  }
}

}  // namespace deit::exchange
