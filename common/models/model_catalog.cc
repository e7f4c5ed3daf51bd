#include "common/models/model_catalog.h"

#include <google/protobuf/text_format.h>

#include <algorithm>

#include "common/base/nearest.h"
#include "common/models/convnet.h"
#include "common/models/distillable_efficient_vit.h"
#include "common/models/distillable_t2t_vit.h"
#include "common/models/distillable_vit.h"
#include "common/models/efficientnet.h"
#include "common/models/field_error.h"
#include "common/models/regnety.h"
#include "common/models/resnet.h"
#include "common/models/transformer.h"

namespace deit::models {
namespace {

constexpr int64_t kMaxParameters = 100'000'000'000;  // far above what a machine holds, far below what overflows a plan

struct Traits {
  std::vector<std::string> fields;  // besides those that every family has
  const char* sizes;                // what all published sizes share, in textproto
  Status (*check)(const v1::ModelSpec&);
  Network (*network)(const v1::ModelSpec&);  // null: timm's transformer
};

const Traits& TraitsOf(Family family) {
  static const auto* transformer =
      new Traits{{"patch_size", "embed_dim", "depth", "num_heads", "mlp_ratio", "drop_path", "pos_drop_rate", "proj_drop_rate"},
                 "patch_size: 16 mlp_ratio: 4 drop_path: 0",
                 CheckTransformer,
                 nullptr};
  static const auto* convnet = new Traits{{"widths"}, "", CheckConvnet, Convnet};
  static const auto* resnet = new Traits{{"widths", "depths", "bottleneck"}, "widths: [64, 128, 256, 512]", CheckResnet, Resnet};
  static const auto* regnety = new Traits{{"widths", "depths", "group_width"}, "", CheckRegnety, Regnety};
  static const auto* efficientnet = new Traits{{"width_mult", "depth_mult"}, "", CheckEfficientnet, Efficientnet};
  static const auto* distillable_vit =
      new Traits{{"patch_size", "embed_dim", "depth", "num_heads", "head_dim", "mlp_ratio", "distillation_token"},
                 "head_dim: 64",
                 CheckDistillableVit,
                 DistillableVit};
  static const auto* distillable_t2t_vit =
      new Traits{{"t2t_kernels", "t2t_strides", "embed_dim", "depth", "num_heads", "head_dim", "mlp_ratio", "distillation_token"},
                 "head_dim: 64 t2t_kernels: [7, 3, 3] t2t_strides: [4, 2, 2]",
                 CheckDistillableT2tVit,
                 DistillableT2tVit};
  static const auto* distillable_efficient_vit = new Traits{
      {"patch_size", "embed_dim", "depth", "num_heads", "head_dim", "mlp_ratio", "transformer", "num_landmarks", "distillation_token"},
      "head_dim: 64 transformer: NYSTROMFORMER num_landmarks: 256",
      CheckDistillableEfficientVit,
      DistillableEfficientVit};
  switch (family) {
    case Family::kVit:
    case Family::kDeit:
    case Family::kDeitDistilled: return *transformer;
    case Family::kConvnet: return *convnet;
    case Family::kResnet: return *resnet;
    case Family::kRegnety: return *regnety;
    case Family::kEfficientnet: return *efficientnet;
    case Family::kDistillableVit: return *distillable_vit;
    case Family::kDistillableT2tVit: return *distillable_t2t_vit;
    case Family::kDistillableEfficientVit: return *distillable_efficient_vit;
  }
  return *transformer;
}

struct Line {
  const char* name;
  Family family;
  const char* sizes;  // more of them; img_size 224 unless it says another
};

// Families first, then published sizes. Touvron et al., Training data-efficient image transformers (2021), table 1; timm's
// vision_transformer.py, deit.py, resnet.py, regnet.py and efficientnet.py, and its default input sizes; vit-pytorch's README.
constexpr Line kLines[] = {
    {"vit", Family::kVit, "embed_dim: 192 depth: 12 num_heads: 3"},
    {"deit", Family::kDeit, "embed_dim: 192 depth: 12 num_heads: 3"},
    {"deit_distilled", Family::kDeitDistilled, "embed_dim: 192 depth: 12 num_heads: 3"},
    {"convnet", Family::kConvnet, "widths: [16, 32, 64]"},
    {"resnet", Family::kResnet, "depths: [2, 2, 2, 2] bottleneck: false"},
    {"regnety", Family::kRegnety, "widths: [24, 56, 152, 368] depths: [1, 1, 4, 7] group_width: 8"},
    {"efficientnet", Family::kEfficientnet, "width_mult: 1.0 depth_mult: 1.0"},
    {"distillable_vit", Family::kDistillableVit, "img_size: 256 patch_size: 32 embed_dim: 1024 depth: 6 num_heads: 8 mlp_ratio: 2"},
    {"distillable_t2t_vit", Family::kDistillableT2tVit, "embed_dim: 512 depth: 5 num_heads: 8 mlp_ratio: 1"},
    {"distillable_efficient_vit", Family::kDistillableEfficientVit,
     "img_size: 2048 patch_size: 32 embed_dim: 512 depth: 12 num_heads: 8 mlp_ratio: 4"},

    {"vit_tiny_patch16_224", Family::kVit, "embed_dim: 192 depth: 12 num_heads: 3"},
    {"vit_small_patch16_224", Family::kVit, "embed_dim: 384 depth: 12 num_heads: 6"},
    {"vit_base_patch16_224", Family::kVit, "embed_dim: 768 depth: 12 num_heads: 12"},
    {"vit_large_patch16_224", Family::kVit, "embed_dim: 1024 depth: 24 num_heads: 16"},
    {"vit_tiny_patch16_384", Family::kVit, "img_size: 384 embed_dim: 192 depth: 12 num_heads: 3"},
    {"vit_small_patch16_384", Family::kVit, "img_size: 384 embed_dim: 384 depth: 12 num_heads: 6"},
    {"vit_base_patch16_384", Family::kVit, "img_size: 384 embed_dim: 768 depth: 12 num_heads: 12"},
    {"vit_large_patch16_384", Family::kVit, "img_size: 384 embed_dim: 1024 depth: 24 num_heads: 16"},
    {"deit_tiny_patch16_224", Family::kDeit, "embed_dim: 192 depth: 12 num_heads: 3"},
    {"deit_small_patch16_224", Family::kDeit, "embed_dim: 384 depth: 12 num_heads: 6"},
    {"deit_base_patch16_224", Family::kDeit, "embed_dim: 768 depth: 12 num_heads: 12"},
    {"deit_base_patch16_384", Family::kDeit, "img_size: 384 embed_dim: 768 depth: 12 num_heads: 12"},
    {"deit_tiny_distilled_patch16_224", Family::kDeitDistilled, "embed_dim: 192 depth: 12 num_heads: 3"},
    {"deit_small_distilled_patch16_224", Family::kDeitDistilled, "embed_dim: 384 depth: 12 num_heads: 6"},
    {"deit_base_distilled_patch16_224", Family::kDeitDistilled, "embed_dim: 768 depth: 12 num_heads: 12"},
    {"deit_base_distilled_patch16_384", Family::kDeitDistilled, "img_size: 384 embed_dim: 768 depth: 12 num_heads: 12"},
    {"resnet18", Family::kResnet, "depths: [2, 2, 2, 2] bottleneck: false"},
    {"resnet34", Family::kResnet, "depths: [3, 4, 6, 3] bottleneck: false"},
    {"resnet50", Family::kResnet, "depths: [3, 4, 6, 3] bottleneck: true"},
    {"resnet101", Family::kResnet, "depths: [3, 4, 23, 3] bottleneck: true"},
    {"regnety_002", Family::kRegnety, "widths: [24, 56, 152, 368] depths: [1, 1, 4, 7] group_width: 8"},
    {"regnety_004", Family::kRegnety, "widths: [48, 104, 208, 440] depths: [1, 3, 6, 6] group_width: 8"},
    {"regnety_008", Family::kRegnety, "widths: [64, 128, 320, 768] depths: [1, 3, 8, 2] group_width: 16"},
    {"regnety_040", Family::kRegnety, "widths: [128, 192, 512, 1088] depths: [2, 6, 12, 2] group_width: 64"},
    {"regnety_080", Family::kRegnety, "widths: [168, 448, 896, 2016] depths: [2, 4, 10, 1] group_width: 56"},
    {"regnety_120", Family::kRegnety, "widths: [224, 448, 896, 2240] depths: [2, 5, 11, 1] group_width: 112"},
    {"regnety_160", Family::kRegnety, "widths: [224, 448, 1232, 3024] depths: [2, 4, 11, 1] group_width: 112"},
    {"efficientnet_b0", Family::kEfficientnet, "width_mult: 1.0 depth_mult: 1.0"},
    {"efficientnet_b1", Family::kEfficientnet, "img_size: 240 width_mult: 1.0 depth_mult: 1.1"},
    {"efficientnet_b2", Family::kEfficientnet, "img_size: 256 width_mult: 1.1 depth_mult: 1.2"},
    {"efficientnet_b3", Family::kEfficientnet, "img_size: 288 width_mult: 1.2 depth_mult: 1.4"},
    {"efficientnet_b4", Family::kEfficientnet, "img_size: 320 width_mult: 1.4 depth_mult: 1.8"},
    {"efficientnet_b5", Family::kEfficientnet, "img_size: 448 width_mult: 1.6 depth_mult: 2.2"},
    {"efficientnet_b6", Family::kEfficientnet, "img_size: 528 width_mult: 1.8 depth_mult: 2.6"},
    {"efficientnet_b7", Family::kEfficientnet, "img_size: 600 width_mult: 2.0 depth_mult: 3.1"},
};

CatalogEntry EntryOf(const Line& line) {
  CatalogEntry entry{.name = line.name, .family = line.family, .sizes = {}};
  const std::string sizes = absl::StrCat("num_classes: 1000 in_chans: 3 ", TraitsOf(line.family).sizes, " ", line.sizes);
  DEIT_CHECK(google::protobuf::TextFormat::ParseFromString(sizes, &entry.sizes), "sizes of ", line.name);
  entry.sizes.set_name(entry.name);
  if (!entry.sizes.has_img_size()) entry.sizes.set_img_size(224);
  return entry;
}

Status UnknownName(const std::string& name) {
  std::vector<std::string> names;
  for (const CatalogEntry& entry : ModelCatalog()) names.push_back(entry.name);
  std::string advice = DidYouMean(name, names);
  if (advice.empty()) advice = ": deit-worker --task=models lists what there is";
  return FieldError("name", absl::StrCat("\"", name, "\": unknown model", advice));
}

bool IsSet(const v1::ModelSpec& model, const google::protobuf::FieldDescriptor* field) {
  const google::protobuf::Reflection* values = model.GetReflection();
  return field->is_repeated() ? values->FieldSize(model, field) > 0 : values->HasField(model, field);
}

Status RefuseForeignFields(const v1::ModelSpec& model, Family family) {
  constexpr absl::string_view kEveryones[] = {"name", "num_classes", "img_size", "in_chans", "init_from", "adapt"};
  const std::vector<std::string>& own = TraitsOf(family).fields;
  for (int i = 0; i < model.GetDescriptor()->field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = model.GetDescriptor()->field(i);
    if (!IsSet(model, field) || std::count(std::begin(kEveryones), std::end(kEveryones), field->name()) > 0) continue;
    if (std::count(own.begin(), own.end(), field->name()) > 0) continue;
    return FieldError(field->name(), absl::StrCat(model.name(), " has no such field"));
  }
  return absl::OkStatus();
}

// Own lists replace those of the catalogue; MergeFrom would append.
void ClearLists(const v1::ModelSpec& own, v1::ModelSpec* resolved) {
  for (int i = 0; i < own.GetDescriptor()->field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = own.GetDescriptor()->field(i);
    if (field->is_repeated() && IsSet(own, field)) resolved->GetReflection()->ClearField(resolved, field);
  }
}

Cost CostOf(const v1::ModelSpec& model) {
  const Traits& traits = TraitsOf(FamilyOf(model));
  return traits.network == nullptr ? TransformerCost(model, IsDistilled(model)) : CostOf(traits.network(model));
}

}  // namespace

const std::vector<CatalogEntry>& ModelCatalog() {
  static const auto* catalog = [] {
    auto* entries = new std::vector<CatalogEntry>;
    for (const Line& line : kLines) entries->push_back(EntryOf(line));
    return entries;
  }();
  return *catalog;
}

bool IsVitPytorch(Family family) {
  return family == Family::kDistillableVit || family == Family::kDistillableT2tVit || family == Family::kDistillableEfficientVit;
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
  ClearLists(model, &resolved);
  resolved.MergeFrom(model);
  DEIT_RETURN_IF_ERROR(TraitsOf(entry->family).check(resolved));
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

bool IsDistilled(const v1::ModelSpec& resolved) { return FamilyOf(resolved) == Family::kDeitDistilled || resolved.distillation_token(); }

Network NetworkOf(const v1::ModelSpec& resolved) {
  const Traits& traits = TraitsOf(FamilyOf(resolved));
  return traits.network == nullptr ? Network() : traits.network(resolved);
}

int64_t ParameterCount(const v1::ModelSpec& resolved) { return CostOf(resolved).parameters; }

double MacCount(const v1::ModelSpec& resolved) { return CostOf(resolved).macs; }

}  // namespace deit::models
