// Plan for loading weights: the source tensor in the file for each model tensor, under any supported naming, and the tensors to initialise.
// Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/checkpoint/safetensors.h"
#include "common/models/tensor_spec.h"
#include "proto/spec.pb.h"

namespace deit::weights {

// Names under which a file may hold a model's tensors.
struct NameScheme {
  std::string owner;  // whose names these are: "torchvision's"
  // The model's name of a tensor -> the file's: one, or those of tensors that one behind another along the first axis are the model's.
  std::function<std::vector<std::string>(const std::string&)> names;
  double variance_offset = 0;  // added to running variances under these names
  std::string foreign = "";    // tensors with this name prefix are left out under these names; empty: none
};

struct PlanOptions {
  std::vector<NameScheme> schemes = {};  // besides the model's own names
  // What may differ between file and model: ModelSpec::adapt.
  bool positions = false, head = false, distillation = false;
  bool is_teachers = false;  // a teacher's tensors are never initialised, so an error does not propose it
};

// For a resolved model.
PlanOptions PlanOptionsOf(const v1::ModelSpec& model);

// A square grid of position embeddings behind the rows of the class and the distillation token.
struct PositionGrid {
  int64_t prefix = 1;
  int64_t side = 0;
};

enum class Origin {
  kFile,       // unchanged
  kInitial,    // not from the file: as a new model starts
  kPositions,  // the file's position embedding, made to fit
  kAbsent,     // num_batches_tracked that the file lacks
};

struct Source {
  Origin origin = Origin::kAbsent;
  std::vector<size_t> places = {};  // in the file's tensors, for kFile (several: one behind another) and kPositions
};

struct Plan {
  std::vector<Source> sources;  // by tensor of the model
  double variance_offset = 0;   // to add to running variances
  PositionGrid file_grid, model_grid;
  std::vector<std::string> notes;     // what a user should know: names that were recognised, tensors that were adapted
  std::vector<std::string> problems;  // with any the file is not this model's: tensors by name, the first few of each kind
  bool knows_names = true;            // whether most of the model's tensors are there under known names
};

// `file`: all tensors of the file or files. Names are recognised: timm's (which are facebookresearch's), torchvision's, and of transformers
// Hugging Face's; of vit-pytorch's students those of the student or of DistillWrapper, whose teacher is left out; and any of them with what
// wrappers add (tensor_names.h), where tensors outside the wrapper, as a head may be, are found too. Missing, unexpected and mis-shaped
// tensors and types that cannot be read are problems, unless an adaptation covers them:
// positions: pos_embed (pos_embedding) of another square grid is resized. head: a head of another number of classes, or none, is initialised.
// distillation: a distilled model from a plain one's weights has token, head and the token's position initialised; a plain one leaves them
// out.
Plan PlanWeights(const std::vector<checkpoint::TensorInfo>& file, const std::vector<models::TensorSpec>& model, const PlanOptions& options);

}  // namespace deit::weights
