#include "worker/weights/weights_plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/checkpoint/weights_content.h"
#include "worker/weights/huggingface_names.h"
#include "worker/weights/tensor_names.h"
#include "worker/weights/torchvision_names.h"
#include "worker/weights/wrapper_names.h"

namespace deit::weights {
namespace {

using checkpoint::Dtype;
using checkpoint::TensorInfo;
using models::TensorRole;
using models::TensorSpec;

constexpr size_t kShown = 4;  // problems of each kind

// timm's distillation token has a row of the positions, vit-pytorch's has none.
bool HasRow(absl::string_view token) { return token == "dist_token"; }

bool IsToken(absl::string_view name) { return HasRow(name) || name == "distillation_token"; }

bool IsDistillation(absl::string_view name) {
  return IsToken(name) || absl::StartsWith(name, "head_dist.") || absl::StartsWith(name, "distill_mlp.");
}

bool IsPositions(absl::string_view name) { return name == "pos_embed" || name == "pos_embedding"; }

bool IsHead(absl::string_view name) {
  const absl::string_view heads[] = {"head.", "head_dist.", "fc.", "classifier.", "mlp_head.", "distill_mlp."};
  return std::any_of(std::begin(heads), std::end(heads), [&](absl::string_view head) { return absl::StartsWith(name, head); });
}

bool IsReadable(const TensorSpec& tensor, Dtype dtype) {
  if (tensor.role == TensorRole::kBatchesTracked) return dtype == Dtype::kI64;
  return dtype == Dtype::kF32 || dtype == Dtype::kF16 || dtype == Dtype::kBF16 || dtype == Dtype::kF64;
}

std::vector<uint64_t> ShapeOf(const TensorSpec& tensor) { return {tensor.shape.begin(), tensor.shape.end()}; }

bool DifferOnlyInClasses(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  return a.size() == b.size() && !a.empty() && std::equal(a.begin() + 1, a.end(), b.begin() + 1);
}

// The shape of each of `parts` that one behind another along the first axis have the tensor's.
std::vector<uint64_t> PartShape(const TensorSpec& tensor, size_t parts) {
  std::vector<uint64_t> shape = ShapeOf(tensor);
  if (parts > 1) shape[0] /= parts;
  return shape;
}

NameScheme OwnNames() {
  return {.owner = "", .names = [](const std::string& name) { return std::vector<std::string>{name}; }};
}

class Planner {
 public:
  Planner(const std::vector<TensorInfo>& file, const std::vector<TensorSpec>& model, const PlanOptions& options)
      : file_(file), model_(model), options_(options) {
    for (size_t i = 0; i < file.size(); ++i) {
      const std::string name = WithoutMachineWords(file[i].name);
      if (!left_.emplace(name, i).second) unusable_.push_back(absl::StrCat(file[i].name, ": the file has it twice"));
    }
  }

  Plan Make() {
    Recognise();
    model_is_distilled_ = std::any_of(model_.begin(), model_.end(), [](const TensorSpec& t) { return IsToken(t.name); });
    model_has_row_ = std::any_of(model_.begin(), model_.end(), [](const TensorSpec& t) { return HasRow(t.name); });
    file_has_row_ = Find(scheme_.names("dist_token")[0]) != left_.end();
    for (const TensorSpec& tensor : model_) plan_.sources.push_back(SourceOf(tensor));
    LeaveOutForeign();
    for (const auto& [name, place] : left_) {
      if (options_.distillation && !model_is_distilled_ && IsFilesDistillation(name)) dropped_.push_back(name);
      else unexpected_.push_back(absl::StrCat(name, ": the model has no such tensor"));
    }
    TellProblems();
    if (!drawn_.empty()) plan_.notes.push_back(absl::StrCat(absl::StrJoin(drawn_, ", "), ": newly initialised"));
    if (!dropped_.empty()) plan_.notes.push_back(absl::StrCat(absl::StrJoin(dropped_, ", "), ": left out"));
    return std::move(plan_);
  }

 private:
  using Left = std::map<std::string, size_t>;

  // The file's tensor of a name of the scheme, in the wrapper or outside of it.
  Left::iterator Find(const std::string& name) {
    const auto found = left_.find(prefix_ + name);
    return found != left_.end() ? found : left_.find(name);
  }

  bool IsThere(const TensorSpec& tensor) {
    const std::vector<std::string> names = scheme_.names(tensor.name);
    return std::all_of(names.begin(), names.end(), [this](const std::string& name) { return Find(name) != left_.end(); });
  }

  // Takes the naming under which most of the model's tensors are there; the first of several equal ones.
  void Recognise() {
    std::set<std::string> prefixes = {""};
    for (const auto& [name, place] : left_) {
      for (std::string& prefix : WrapperPrefixes(name)) prefixes.insert(std::move(prefix));
    }
    std::vector<NameScheme> schemes = {OwnNames()};
    schemes.insert(schemes.end(), options_.schemes.begin(), options_.schemes.end());
    size_t most = 0;
    std::pair<NameScheme, std::string> best = {schemes[0], ""};
    for (const NameScheme& scheme : schemes) {
      for (const std::string& prefix : prefixes) {
        std::tie(scheme_, prefix_) = std::tie(scheme, prefix);
        const auto found =
            static_cast<size_t>(std::count_if(model_.begin(), model_.end(), [this](const TensorSpec& t) { return IsThere(t); }));
        if (found > most) best = {scheme, prefix};
        most = std::max(most, found);
      }
    }
    std::tie(scheme_, prefix_) = std::move(best);
    plan_.knows_names = 2 * most >= model_.size();
    TellNames();
  }

  void TellNames() {
    std::string words;
    for (const auto& [name, place] : left_) {
      if (words.empty() && file_[place].name != name)
        words = absl::StrCat("what torch.compile or FSDP put into it, as in ", file_[place].name);
    }
    if (!words.empty()) plan_.notes.push_back(absl::StrCat("names without ", words));
    if (!prefix_.empty()) plan_.notes.push_back(absl::StrCat("names without their \"", prefix_, "\""));
    if (scheme_.owner.empty()) return;
    plan_.notes.push_back(absl::StrCat("names are ", scheme_.owner));
    plan_.variance_offset = scheme_.variance_offset;
    if (plan_.variance_offset != 0) {
      plan_.notes.push_back(
          absl::StrCat("running variances: plus ", plan_.variance_offset, ", as ", scheme_.owner, " batch norm has another eps"));
    }
  }

  void LeaveOutForeign() {
    if (left_.erase("n_averaged") > 0) dropped_.push_back("n_averaged");  // the count of torch.optim.swa_utils.AveragedModel
    if (scheme_.foreign.empty()) return;
    const std::string begin = absl::StrCat(prefix_, scheme_.foreign);
    const size_t foreign = std::erase_if(left_, [&](const auto& entry) { return absl::StartsWith(entry.first, begin); });
    if (foreign > 0) dropped_.push_back(absl::StrCat(foreign, " tensors ", begin, "*"));
  }

  bool IsFilesDistillation(absl::string_view name) const {
    const absl::string_view own = absl::StripPrefix(name, prefix_);
    if (IsDistillation(own)) return true;
    for (const char* const timm : {"dist_token", "head_dist.weight", "head_dist.bias"}) {
      if (own == scheme_.names(timm)[0]) return true;
    }
    return false;
  }

  // Of each kind the first few.
  void TellProblems() {
    const std::pair<const std::vector<std::string>&, const char*> kinds[] = {{missing_, "tensors that are missing"},
                                                                             {unusable_, "tensors of another shape or type"},
                                                                             {unexpected_, "tensors that the model has not"}};
    const bool any = !missing_.empty() || !unusable_.empty() || !unexpected_.empty();
    if (any && !plan_.knows_names) {
      std::vector<std::string> names;
      for (const TensorInfo& info : file_) names.push_back(info.name);
      const std::string owner = ModelOfNames(names);
      plan_.problems.push_back(owner.empty() ? "its names are none that are known" : absl::StrCat("its names look like those of ", owner));
    }
    for (const auto& [kind, what] : kinds) {
      plan_.problems.insert(plan_.problems.end(), kind.begin(), kind.begin() + static_cast<ptrdiff_t>(std::min(kShown, kind.size())));
      if (kind.size() > kShown) plan_.problems.push_back(absl::StrCat("and ", kind.size() - kShown, " more ", what));
    }
  }

  Source SourceOf(const TensorSpec& tensor) {
    const std::vector<std::string> names = scheme_.names(tensor.name);
    for (const std::string& name : names) {
      if (Find(name) == left_.end()) return Missing(tensor, name);
    }
    Source source{.origin = Origin::kFile};
    for (const std::string& name : names) {
      const auto found = Find(name);
      source.places.push_back(found->second);
      left_.erase(found);
    }
    const std::vector<uint64_t> wanted = PartShape(tensor, names.size());
    for (const size_t place : source.places) {
      const TensorInfo& info = file_[place];
      if (!IsReadable(tensor, info.dtype)) {
        unusable_.push_back(absl::StrCat(info.name, ": type ", checkpoint::Name(info.dtype), " cannot be used"));
        return {};
      }
      if (info.shape == wanted) continue;
      if (IsPositions(tensor.name) && FitPositions(tensor, info)) return {Origin::kPositions, {place}};
      if (options_.head && IsHead(tensor.name) && DifferOnlyInClasses(info.shape, ShapeOf(tensor))) return Draw(tensor);
      unusable_.push_back(
          absl::StrCat(info.name, ": shape ", checkpoint::ShapeText(info.shape), ", the model's is ", checkpoint::ShapeText(wanted)));
      return {};
    }
    return source;
  }

  Source Missing(const TensorSpec& tensor, const std::string& name) {
    if (tensor.role == TensorRole::kBatchesTracked) return {};
    if (options_.distillation && IsDistillation(tensor.name)) return Draw(tensor);
    if (options_.head && IsHead(tensor.name)) return Draw(tensor);
    missing_.push_back(absl::StrCat(name, ": missing"));
    return {};
  }

  Source Draw(const TensorSpec& tensor) {
    drawn_.push_back(tensor.name);
    return {Origin::kInitial, {}};
  }

  // Whether the file's position embedding can be made the model's by the adaptations that are asked for.
  bool FitPositions(const TensorSpec& tensor, const TensorInfo& info) {
    const std::vector<uint64_t> wanted = ShapeOf(tensor);
    if (info.shape.size() != wanted.size()) return false;
    const size_t axis = wanted.size() - 2;  // of the rows
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (i != axis && info.shape[i] != wanted[i]) return false;
    }
    const auto grid = [](int64_t rows, bool distilled) {
      const int64_t prefix = distilled ? 2 : 1;
      return PositionGrid{prefix, std::llround(std::sqrt(static_cast<double>(std::max<int64_t>(rows - prefix, 0))))};
    };
    const int64_t rows = static_cast<int64_t>(std::min<uint64_t>(info.shape[axis], 1 << 24));
    const PositionGrid from = grid(rows, file_has_row_), to = grid(tensor.shape[axis], model_has_row_);
    if (from.side < 1 || from.prefix + from.side * from.side != static_cast<int64_t>(info.shape[axis])) return false;
    if (from.side != to.side && !options_.positions) return false;
    if (from.prefix != to.prefix && !options_.distillation) return false;
    plan_.file_grid = from;
    plan_.model_grid = to;
    if (from.side != to.side) {
      plan_.notes.push_back(absl::StrCat(info.name, ": resized from ", from.side, "x", from.side, " to ", to.side, "x", to.side));
    }
    if (from.prefix < to.prefix) drawn_.push_back(absl::StrCat("the distillation token's row of ", tensor.name));
    if (from.prefix > to.prefix) dropped_.push_back(absl::StrCat("the distillation token's row of ", info.name));
    return true;
  }

  const std::vector<TensorInfo>& file_;
  const std::vector<TensorSpec>& model_;
  const PlanOptions& options_;
  Plan plan_;
  Left left_;  // tensors of the file that no tensor of the model has taken
  NameScheme scheme_;
  std::string prefix_;
  bool model_is_distilled_ = false, model_has_row_ = false, file_has_row_ = false;
  std::vector<std::string> drawn_, dropped_, missing_, unusable_, unexpected_;
};

std::vector<NameScheme> SchemesOf(const v1::ModelSpec& model) {
  const models::Family family = models::FamilyOf(model);
  if (models::IsVitPytorch(family)) {
    const auto names = [](const std::string& name) { return std::vector<std::string>{DistillWrapperName(name)}; };
    return {{.owner = "DistillWrapper's", .names = names, .foreign = "teacher."}};
  }
  const auto torchvisions = [family](const std::string& timm) { return std::vector<std::string>{TorchvisionName(family, timm)}; };
  std::vector<NameScheme> schemes = {
      {.owner = "torchvision's", .names = torchvisions, .variance_offset = TorchvisionVarianceOffset(model)}};
  if (family != models::Family::kVit && family != models::Family::kDeit && family != models::Family::kDeitDistilled) return schemes;
  for (const bool in_memory : {false, true}) {
    for (const bool two_heads : {false, true}) {
      const HuggingFaceNaming naming{.in_memory = in_memory, .two_heads = two_heads};
      const auto names = [naming](const std::string& timm) { return HuggingFaceNames(timm, naming); };
      schemes.push_back({.owner = "Hugging Face's", .names = names, .foreign = "pooler."});
    }
  }
  return schemes;
}

}  // namespace

PlanOptions PlanOptionsOf(const v1::ModelSpec& model) {
  PlanOptions options{.schemes = SchemesOf(model)};
  for (const int adaptation : model.adapt()) {
    options.positions |= adaptation == v1::ModelSpec::POSITIONS;
    options.head |= adaptation == v1::ModelSpec::HEAD;
    options.distillation |= adaptation == v1::ModelSpec::DISTILLATION;
  }
  return options;
}

Plan PlanWeights(const std::vector<TensorInfo>& file, const std::vector<TensorSpec>& model, const PlanOptions& options) {
  return Planner(file, model, options).Make();
}

}  // namespace deit::weights
