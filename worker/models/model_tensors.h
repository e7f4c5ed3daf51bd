// The tensors of any model by its spec, without building it. Torch-free.
#pragma once

#include <vector>

#include "worker/models/tensor_spec.h"
#include "worker/models/transformer_tensors.h"

namespace deit::v1 {
class ModelSpec;
}

namespace deit::models {

// `resolved`: by common/spec/model_catalog.h; of a transformer.
TransformerSizes TransformerSizesOf(const v1::ModelSpec& resolved);

// What NewModel(resolved)->tensors() will be.
std::vector<TensorSpec> TensorsOf(const v1::ModelSpec& resolved);

}  // namespace deit::models
