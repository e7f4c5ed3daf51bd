#include "common/models/folding.h"

namespace deit::models {
namespace {

std::vector<int> CountReaders(const Network& network) {
  std::vector<int> readers(network.size(), 0);
  for (const Step& step : network) {
    for (const int source : {step.input, step.other}) {
      if (source != kImage) ++readers[static_cast<size_t>(source)];
    }
  }
  return readers;
}

}  // namespace

Folding FoldBatchNorms(const Network& network) {
  const std::vector<int> readers = CountReaders(network);
  Folding folding;
  std::vector<int> place;  // of each original step's result in the new network
  for (size_t s = 0; s < network.size(); ++s) {
    const Step& step = network[s];
    if (step.op == Op::kBatchNorm && step.input != kImage) {
      const Step& source = network[static_cast<size_t>(step.input)];
      if (source.op == Op::kConvolution && !source.has_bias && readers[static_cast<size_t>(step.input)] == 1) {
        const int folded = place[static_cast<size_t>(step.input)];
        folding.network[static_cast<size_t>(folded)].has_bias = true;
        folding.origins[static_cast<size_t>(folded)].norm = static_cast<int>(s);
        place.push_back(folded);
        continue;
      }
    }
    Step moved = step;
    if (step.input != kImage) moved.input = place[static_cast<size_t>(step.input)];
    if (step.other != kImage) moved.other = place[static_cast<size_t>(step.other)];
    place.push_back(static_cast<int>(folding.network.size()));
    folding.network.push_back(moved);
    folding.origins.push_back({static_cast<int>(s), -1});
  }
  return folding;
}

}  // namespace deit::models
