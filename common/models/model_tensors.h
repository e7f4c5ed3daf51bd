// Tensor list of a model, derived from its spec without building it. Torch-free.
#pragma once

#include <vector>

#include "common/models/tensor_spec.h"
#include "common/models/transformer_tensors.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::models {

// `resolved`: by common/models/model_catalog.h; of a transformer.
TransformerSizes TransformerSizesOf(const v1::ModelSpec& resolved);

// What NewModel(resolved)->tensors() will be.
std::vector<TensorSpec> TensorsOf(const v1::ModelSpec& resolved);

}  // namespace deit::models
