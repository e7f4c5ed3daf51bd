#include "common/models/transformer.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/numbers.h"
#include "common/models/field_error.h"
#include "proto/spec.pb.h"

namespace deit::models {
namespace {

// "14 or 16": the divisors of `whole` on both sides of `value`.
std::string NearestDivisors(int whole, int value) {
  int below = std::min(value, whole), above = value;
  while (whole % below != 0) --below;
  while (above < whole && whole % above != 0) ++above;
  return above > whole || above == below ? absl::StrCat(below) : absl::StrCat(below, " or ", above);
}

}  // namespace

int64_t HiddenUnits(const v1::ModelSpec& model) { return static_cast<int64_t>(model.embed_dim() * model.mlp_ratio()); }

Status CheckPatchSize(const v1::ModelSpec& model) {
  if (model.img_size() % model.patch_size() != 0) {
    return FieldError("patch_size", absl::StrCat(model.patch_size(), ": does not divide img_size ", model.img_size(), ", set it to ",
                                                 NearestDivisors(model.img_size(), model.patch_size())));
  }
  return absl::OkStatus();
}

Status CheckHiddenUnits(const v1::ModelSpec& model) {
  if (HiddenUnits(model) < 1) {
    return FieldError("mlp_ratio",
                      absl::StrCat(RoundTripText(model.mlp_ratio()), ": leaves no hidden unit at embed_dim ", model.embed_dim()));
  }
  return absl::OkStatus();
}

Status CheckTransformer(const v1::ModelSpec& model) {
  DEIT_RETURN_IF_ERROR(CheckPatchSize(model));
  if (model.embed_dim() % model.num_heads() != 0) {
    return FieldError("num_heads", absl::StrCat(model.num_heads(), ": does not divide embed_dim ", model.embed_dim(), ", set it to ",
                                                NearestDivisors(model.embed_dim(), model.num_heads())));
  }
  return CheckHiddenUnits(model);
}

Cost TransformerCost(const v1::ModelSpec& model, bool distilled) {
  const int64_t d = model.embed_dim(), hidden = HiddenUnits(model), depth = model.depth(), heads = distilled ? 2 : 1;
  const int64_t side = model.img_size() / model.patch_size(), patches = side * side, n = patches + heads;
  const int64_t patch = int64_t{model.in_chans()} * model.patch_size() * model.patch_size(), classes = model.num_classes();
  const int64_t block = 4 * d + (d + 1) * 3 * d + (d + 1) * d + (d + 1) * hidden + (hidden + 1) * d;  // two norms, qkv, proj, fc1, fc2
  const double block_macs = static_cast<double>(n * d) * static_cast<double>(4 * d + 2 * n + 2 * hidden);
  return {
      .parameters = heads * d + n * d + (patch + 1) * d + depth * block + 2 * d + heads * (d + 1) * classes,
      .macs = static_cast<double>(patches * patch * d + heads * d * classes) + static_cast<double>(depth) * block_macs,
  };
}

}  // namespace deit::models
