#include "common/models/transformer_tensors.h"

#include <cmath>
#include <string>
#include <utility>

namespace deit::models {
namespace {

TensorSpec Parameter(std::string name, std::vector<int64_t> shape, Init init, double scale, bool decay, bool compute_precision) {
  return {.name = std::move(name),
          .shape = std::move(shape),
          .role = TensorRole::kParameter,
          .init = init,
          .scale = scale,
          .decay = decay,
          .compute_precision = compute_precision,
          .direct_gradient = true};
}

void AddNorm(std::vector<TensorSpec>& tensors, const std::string& name, int64_t width) {
  tensors.push_back(Parameter(name + ".weight", {width}, Init::kOnes, 0, false, false));
  tensors.push_back(Parameter(name + ".bias", {width}, Init::kZeros, 0, false, false));
}

void AddLinear(std::vector<TensorSpec>& tensors, const std::string& name, int64_t inputs, int64_t outputs) {
  tensors.push_back(Parameter(name + ".weight", {outputs, inputs}, Init::kNormal, 0.02, true, true));
  tensors.push_back(Parameter(name + ".bias", {outputs}, Init::kZeros, 0, false, true));
}

}  // namespace

TransformerTensors ListTensors(const TransformerSizes& sizes) {
  TransformerTensors list;
  std::vector<TensorSpec>& tensors = list.tensors;
  const auto place = [&tensors] { return static_cast<int>(tensors.size()); };
  tensors.push_back(Parameter("cls_token", {1, 1, sizes.width}, Init::kNormal, 0.02, false, false));
  tensors.push_back(Parameter("pos_embed", {1, sizes.patches() + sizes.prefix(), sizes.width}, Init::kNormal, 0.02, false, false));
  if (sizes.distilled) {
    list.dist_token = place();
    tensors.push_back(Parameter("dist_token", {1, 1, sizes.width}, Init::kNormal, 0.02, true, false));
  }
  const double bound = 1.0 / std::sqrt(static_cast<double>(sizes.patch_size()));
  list.patch_weight = place();
  const std::vector<int64_t> kernel = {sizes.width, sizes.channels, sizes.patch, sizes.patch};
  tensors.push_back(Parameter("patch_embed.proj.weight", kernel, Init::kUniform, bound, true, true));
  list.patch_bias = place();
  tensors.push_back(Parameter("patch_embed.proj.bias", {sizes.width}, Init::kUniform, bound, false, true));
  list.first_block = place();
  for (int64_t block = 0; block < sizes.depth; ++block) {
    const std::string name = "blocks." + std::to_string(block);
    AddNorm(tensors, name + ".norm1", sizes.width);
    AddLinear(tensors, name + ".attn.qkv", sizes.width, 3 * sizes.width);
    AddLinear(tensors, name + ".attn.proj", sizes.width, sizes.width);
    AddNorm(tensors, name + ".norm2", sizes.width);
    AddLinear(tensors, name + ".mlp.fc1", sizes.width, sizes.hidden);
    AddLinear(tensors, name + ".mlp.fc2", sizes.hidden, sizes.width);
  }
  list.norm = place();
  AddNorm(tensors, "norm", sizes.width);
  for (const char* head : {"head", "head_dist"}) {
    if (static_cast<int64_t>(list.heads.size()) == sizes.prefix()) break;
    list.heads.push_back(place());
    AddLinear(tensors, head, sizes.width, sizes.classes);
  }
  return list;
}

}  // namespace deit::models
