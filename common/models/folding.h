// Batch norm folding for inference: a batch norm with fixed statistics is a factor and a shift per channel, which the convolution before it
// can have in its weights and bias.
#pragma once

#include <vector>

#include "common/models/network.h"

namespace deit::models {

struct FoldedStep {
  int step;  // of the original network
  int norm;  // the batch norm that became part of it; -1: none
};

struct Folding {
  Network network;
  std::vector<FoldedStep> origins;  // by step of `network`
};

// Drops each batch norm that is the only reader of a convolution without bias, and gives the convolution one. Other batch norms stay.
Folding FoldBatchNorms(const Network& network);

}  // namespace deit::models
