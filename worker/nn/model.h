// Model interface: a list of tensors and a forward pass over tensors that the caller holds. Models have no state of their own, so that
// parameters can be views of one flat buffer, shared by the processes of a node.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/base/status.h"
#include "common/models/tensor_spec.h"

namespace deit::v1 {
class ModelSpec;
enum Precision : int;
}  // namespace deit::v1

namespace deit::nn {

// Receives gradients during the backward pass, on its thread: each parameter's once per forward pass, in an order that depends on the
// model alone. `gradient` has the parameter's shape, is contiguous, fp32 or bf16 (look at its type), and is valid during the call only
// (its memory is reused): convert or add it, do not keep it.
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  virtual void Accept(int tensor, const at::Tensor& gradient) = 0;
};

struct ForwardContext {
  bool training = false;
  uint64_t seed = 0;                    // train.seed: masks of drop path and dropout
  const uint64_t* positions = nullptr;  // one per image, needed in training with drop path or dropout: masks are a pure function of
                                        // (seed, position, place in the model), independent of worker and batch
  GradientSink* sink = nullptr;         // needed in training; must outlive the backward pass

  // In evaluation, of a model with token_layers(): told what the tokens that reach a head are after the embedding (layer 0) and after each
  // block (the residual stream), fp32 [n, tokens, width] of n images, valid during the call. Images come in order, some at a time.
  std::function<void(int64_t layer, const at::Tensor& tokens)> observe = nullptr;

  // Called after each block (each step of a network) of the forward pass. What it throws ends the pass.
  std::function<void()> block_done = nullptr;
};

// fp32 logits, [N, classes] each.
struct Outputs {
  at::Tensor head;
  at::Tensor head_dist;  // undefined unless the model is distilled; vit-pytorch's students have it in training only
};

// What the model predicts: the head's logits, or the average of both heads' (DeiT).
at::Tensor FusedLogits(const Outputs& outputs);

// One thread at a time (scratch memory is kept between calls), and one backward pass per forward pass, before the next forward pass of
// the same model in training mode. Independent objects are independent.
class Model {
 public:
  virtual ~Model() = default;

  // In the order of tensor_spec.h, parameters and buffers interleaved. Constant.
  virtual const std::vector<models::TensorSpec>& tensors() const = 0;

  // How many images evaluation computes at a time, whatever the caller's batch: part of the definition of an image's logits, whose last bits
  // may depend on it. Constant.
  virtual int64_t images_per_pass() const = 0;

  // How many layers ForwardContext::observe is told of; 0: none.
  virtual int64_t token_layers() const { return 0; }

  // `images`: fp32 [N, in_chans, img_size, img_size], contiguous.
  // `values[i]` belongs to tensors()[i], of its shape, contiguous, in the precision that it asks for. In training, parameters without
  // direct_gradient are leaves with requires_grad, whose gradients the caller takes by post-accumulate hooks; those with
  // direct_gradient are plain tensors, whose gradients reach context.sink. Both kinds must stay unchanged until backward is done.
  // `statistics[i]`: used in training and for batch norm's buffers only: the mean (kRunningMean) and the unbiased variance (kRunningVar)
  // of this micro-batch are written into these fp32 tensors; values[i] is left alone. May be empty for a model without batch norm.
  // Evaluation (training == false) uses the running values; call it under at::NoGradGuard or at::AutoDispatchBelowAutograd.
  virtual Outputs Forward(const std::vector<at::Tensor>& values, const std::vector<at::Tensor>& statistics, const at::Tensor& images,
                          const ForwardContext& context) const = 0;
};

// Resolves the name and the sizes (common/models/model_catalog.h; what is resolved already stays as it is) and makes the model.
// Errors: ResolveModel's.
StatusOr<std::unique_ptr<Model>> NewModel(const v1::ModelSpec& model, v1::Precision precision);

}  // namespace deit::nn
