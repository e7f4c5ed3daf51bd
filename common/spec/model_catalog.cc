#include "common/spec/model_catalog.h"

#include <algorithm>

#include "common/base/nearest.h"
#include "common/base/numbers.h"

namespace deit::spec {
namespace {

constexpr int64_t kMaxParameters = 100'000'000'000;  // far above what a machine holds, far below what overflows a plan

CatalogEntry Transformer(absl::string_view name, Family family, int embed_dim, int depth, int num_heads, int img_size = 224) {
  CatalogEntry entry{.name = std::string(name), .family = family, .sizes = {}};
  entry.sizes.set_name(entry.name);
  entry.sizes.set_num_classes(1000);
  entry.sizes.set_img_size(img_size);
  entry.sizes.set_in_chans(3);
  entry.sizes.set_patch_size(16);
  entry.sizes.set_embed_dim(embed_dim);
  entry.sizes.set_depth(depth);
  entry.sizes.set_num_heads(num_heads);
  entry.sizes.set_mlp_ratio(4.0);
  entry.sizes.set_drop_path(0.0);
  return entry;
}

CatalogEntry Convnet() {
  CatalogEntry entry{.name = "convnet", .family = Family::kConvnet, .sizes = {}};
  entry.sizes.set_name(entry.name);
  entry.sizes.set_num_classes(1000);
  entry.sizes.set_img_size(224);
  entry.sizes.set_in_chans(3);
  for (int width : {16, 32, 64}) entry.sizes.add_widths(width);
  return entry;
}

// Sizes: Touvron et al., Training data-efficient image transformers (2021), table 1; timm's vision_transformer.py and deit.py.
std::vector<CatalogEntry> MakeCatalog() {
  const auto sized = [](absl::string_view name, Family family, const v1::ModelSpec& like) {
    return Transformer(name, family, like.embed_dim(), like.depth(), like.num_heads());
  };
  const v1::ModelSpec& schema = v1::ModelSpec::default_instance();
  return {
      sized("vit", Family::kVit, schema),
      sized("deit", Family::kDeit, schema),
      sized("deit_distilled", Family::kDeitDistilled, schema),
      Convnet(),
      Transformer("vit_tiny_patch16_224", Family::kVit, 192, 12, 3),
      Transformer("vit_small_patch16_224", Family::kVit, 384, 12, 6),
      Transformer("vit_base_patch16_224", Family::kVit, 768, 12, 12),
      Transformer("vit_large_patch16_224", Family::kVit, 1024, 24, 16),
      Transformer("deit_tiny_patch16_224", Family::kDeit, 192, 12, 3),
      Transformer("deit_small_patch16_224", Family::kDeit, 384, 12, 6),
      Transformer("deit_base_patch16_224", Family::kDeit, 768, 12, 12),
      Transformer("deit_base_patch16_384", Family::kDeit, 768, 12, 12, 384),
      Transformer("deit_tiny_distilled_patch16_224", Family::kDeitDistilled, 192, 12, 3),
      Transformer("deit_small_distilled_patch16_224", Family::kDeitDistilled, 384, 12, 6),
      Transformer("deit_base_distilled_patch16_224", Family::kDeitDistilled, 768, 12, 12),
      Transformer("deit_base_distilled_patch16_384", Family::kDeitDistilled, 768, 12, 12, 384),
  };
}

Status FieldError(absl::string_view field, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", message));
}

Status UnknownName(const std::string& name) {
  std::vector<std::string> names;
  for (const CatalogEntry& entry : ModelCatalog()) names.push_back(entry.name);
  std::string advice = DidYouMean(name, names);
  if (advice.empty()) advice = ": want vit, deit, deit_distilled, convnet or a published name";
  return FieldError("name", absl::StrCat("\"", name, "\": unknown model", advice));
}

Status RefuseForeignFields(const v1::ModelSpec& model, Family family) {
  const google::protobuf::Descriptor* schema = model.GetDescriptor();
  const std::vector<std::string> foreign =
      family == Family::kConvnet ? std::vector<std::string>{"patch_size", "embed_dim", "depth", "num_heads", "mlp_ratio", "drop_path"}
                                 : std::vector<std::string>{"widths"};
  for (const std::string& name : foreign) {
    const auto* field = schema->FindFieldByName(name);
    const google::protobuf::Reflection* values = model.GetReflection();
    const bool set = field->is_repeated() ? values->FieldSize(model, field) > 0 : values->HasField(model, field);
    if (set) return FieldError(name, absl::StrCat(model.name(), " has no such field"));
  }
  return absl::OkStatus();
}

// "14 or 16": the divisors of `whole` on both sides of `value`.
std::string NearestDivisors(int whole, int value) {
  int below = std::min(value, whole), above = value;
  while (whole % below != 0) --below;
  while (above < whole && whole % above != 0) ++above;
  return above > whole || above == below ? absl::StrCat(below) : absl::StrCat(below, " or ", above);
}

int64_t Hidden(const v1::ModelSpec& model) { return static_cast<int64_t>(model.embed_dim() * model.mlp_ratio()); }

Status CheckTransformer(const v1::ModelSpec& model) {
  if (model.img_size() % model.patch_size() != 0) {
    return FieldError("patch_size", absl::StrCat(model.patch_size(), ": does not divide img_size ", model.img_size(), ", set it to ",
                                                 NearestDivisors(model.img_size(), model.patch_size())));
  }
  if (model.embed_dim() % model.num_heads() != 0) {
    return FieldError("num_heads", absl::StrCat(model.num_heads(), ": does not divide embed_dim ", model.embed_dim(), ", set it to ",
                                                NearestDivisors(model.embed_dim(), model.num_heads())));
  }
  if (Hidden(model) < 1) {
    return FieldError("mlp_ratio",
                      absl::StrCat(RoundTripText(model.mlp_ratio()), ": leaves no hidden unit at embed_dim ", model.embed_dim()));
  }
  return absl::OkStatus();
}

int64_t Tokens(const v1::ModelSpec& model) {
  const int64_t side = model.img_size() / model.patch_size();
  return side * side + (IsDistilled(model) ? 2 : 1);
}
int64_t OutputHeads(const v1::ModelSpec& model) { return IsDistilled(model) ? 2 : 1; }
int64_t PatchNumbers(const v1::ModelSpec& model) { return int64_t{model.in_chans()} * model.patch_size() * model.patch_size(); }

struct Cost {
  int64_t parameters = 0;
  double macs = 0;  // sizes in range have up to 10^22
};

Cost TransformerCost(const v1::ModelSpec& model) {
  const int64_t d = model.embed_dim(), n = Tokens(model), hidden = Hidden(model), depth = model.depth(), heads = OutputHeads(model);
  const int64_t patch = PatchNumbers(model), classes = model.num_classes(), patches = n - heads;
  const int64_t block = 4 * d + (d + 1) * 3 * d + (d + 1) * d + (d + 1) * hidden + (hidden + 1) * d;  // two norms, qkv, proj, fc1, fc2
  const double block_macs = static_cast<double>(n * d) * static_cast<double>(4 * d + 2 * n + 2 * hidden);
  return {
      .parameters = heads * d + n * d + (patch + 1) * d + depth * block + 2 * d + heads * (d + 1) * classes,
      .macs = static_cast<double>(patches * patch * d + heads * d * classes) + static_cast<double>(depth) * block_macs,
  };
}

Cost ConvnetCost(const v1::ModelSpec& model) {
  Cost cost;
  int64_t side = model.img_size(), in = model.in_chans();
  const auto add = [&](int64_t out) {  // convolution and batch norm
    cost.parameters += 9 * in * out + 2 * out;
    cost.macs += static_cast<double>(9 * in * out) * static_cast<double>(side * side);
    in = out;
  };
  for (int stage = 0; stage < model.widths_size(); ++stage) {
    if (stage > 0) side = (side + 1) / 2;
    add(model.widths(stage));
    if (stage > 0) add(model.widths(stage));
  }
  cost.parameters += (in + 1) * model.num_classes();
  cost.macs += static_cast<double>(in * model.num_classes());
  return cost;
}

Cost CostOf(const v1::ModelSpec& model) { return FamilyOf(model) == Family::kConvnet ? ConvnetCost(model) : TransformerCost(model); }

}  // namespace

const std::vector<CatalogEntry>& ModelCatalog() {
  static const auto* catalog = new std::vector<CatalogEntry>(MakeCatalog());
  return *catalog;
}

const CatalogEntry* FindModel(absl::string_view name) {
  for (const CatalogEntry& entry : ModelCatalog()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

StatusOr<v1::ModelSpec> ResolveModel(const v1::ModelSpec& model) {
  if (model.name().empty()) return FieldError("name", "not set: want a model's name, such as \"deit_tiny_patch16_224\"");
  const CatalogEntry* entry = FindModel(model.name());
  if (entry == nullptr) return UnknownName(model.name());
  DEIT_RETURN_IF_ERROR(RefuseForeignFields(model, entry->family));
  v1::ModelSpec resolved = entry->sizes;
  if (model.widths_size() > 0) resolved.clear_widths();  // MergeFrom appends
  resolved.MergeFrom(model);
  if (entry->family != Family::kConvnet) DEIT_RETURN_IF_ERROR(CheckTransformer(resolved));
  if (const int64_t parameters = ParameterCount(resolved); parameters > kMaxParameters) {
    return FieldError("name", absl::StrCat("\"", model.name(), "\": ", parameters, " parameters: want at most ", kMaxParameters));
  }
  return resolved;
}

Family FamilyOf(const v1::ModelSpec& resolved) {
  const CatalogEntry* entry = FindModel(resolved.name());
  DEIT_CHECK(entry != nullptr, "model ", resolved.name(), " is not resolved");
  return entry->family;
}

bool IsDistilled(const v1::ModelSpec& resolved) { return FamilyOf(resolved) == Family::kDeitDistilled; }

int64_t ParameterCount(const v1::ModelSpec& resolved) { return CostOf(resolved).parameters; }

double MacCount(const v1::ModelSpec& resolved) { return CostOf(resolved).macs; }

}  // namespace deit::spec
