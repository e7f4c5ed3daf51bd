#include "worker/weights/weights_plan.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/checkpoint/weights_content.h"
#include "worker/weights/torchvision_names.h"
#include "worker/weights/wrapper_names.h"

namespace deit::weights {
namespace {

using checkpoint::Dtype;
using checkpoint::TensorInfo;
using models::TensorRole;
using models::TensorSpec;

constexpr absl::string_view kPrefixes[] = {"", "model.", "module."};

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
  return dtype == Dtype::kF32 || dtype == Dtype::kF16 || dtype == Dtype::kBF16;
}

std::vector<uint64_t> ShapeOf(const TensorSpec& tensor) { return {tensor.shape.begin(), tensor.shape.end()}; }

bool DifferOnlyInClasses(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  return a.size() == b.size() && !a.empty() && std::equal(a.begin() + 1, a.end(), b.begin() + 1);
}

class Planner {
 public:
  Planner(const std::vector<TensorInfo>& file, const std::vector<TensorSpec>& model, const PlanOptions& options)
      : file_(file), model_(model), options_(options) {
    for (size_t i = 0; i < file.size(); ++i) left_[file[i].name] = i;
  }

  Plan Make() {
    Recognise();
    model_is_distilled_ = std::any_of(model_.begin(), model_.end(), [](const TensorSpec& t) { return IsToken(t.name); });
    model_has_row_ = std::any_of(model_.begin(), model_.end(), [](const TensorSpec& t) { return HasRow(t.name); });
    file_has_row_ = left_.count(FileName("dist_token")) > 0;
    for (const TensorSpec& tensor : model_) plan_.sources.push_back(SourceOf(tensor));
    LeaveOutForeign();
    for (const auto& [name, place] : left_) {
      const absl::string_view own = absl::StripPrefix(name, prefix_);
      if (options_.distillation && !model_is_distilled_ && IsDistillation(own)) dropped_.push_back(name);
      else plan_.problems.push_back(absl::StrCat(name, ": the model has no such tensor"));
    }
    if (!drawn_.empty()) plan_.notes.push_back(absl::StrCat(absl::StrJoin(drawn_, ", "), ": newly initialised"));
    if (!dropped_.empty()) plan_.notes.push_back(absl::StrCat(absl::StrJoin(dropped_, ", "), ": left out"));
    return std::move(plan_);
  }

 private:
  std::string FileName(const std::string& timm) const { return absl::StrCat(prefix_, other_names_ ? options_.other_name(timm) : timm); }

  // Takes the naming under which most of the model's tensors are there; the first of several equal ones.
  void Recognise() {
    size_t most = 0;
    std::string best_prefix;
    bool best_other = false;
    for (const bool other : {false, true}) {
      if (other && !options_.other_name) continue;
      for (const absl::string_view prefix : kPrefixes) {
        prefix_ = std::string(prefix);
        other_names_ = other;
        const auto found =
            std::count_if(model_.begin(), model_.end(), [&](const TensorSpec& t) { return left_.count(FileName(t.name)) > 0; });
        if (static_cast<size_t>(found) <= most) continue;
        most = static_cast<size_t>(found);
        best_prefix = prefix_;
        best_other = other;
      }
    }
    prefix_ = best_prefix;
    other_names_ = best_other;
    if (!prefix_.empty()) plan_.notes.push_back(absl::StrCat("names without their \"", prefix_, "\""));
    if (!other_names_) return;
    plan_.notes.push_back(absl::StrCat("names are ", options_.other_owner));
    plan_.variance_offset = options_.other_variance_offset;
    if (plan_.variance_offset != 0) {
      plan_.notes.push_back(
          absl::StrCat("running variances: plus ", plan_.variance_offset, ", as ", options_.other_owner, " batch norm has another eps"));
    }
  }

  void LeaveOutForeign() {
    if (!other_names_ || options_.other_foreign.empty()) return;
    const std::string begin = absl::StrCat(prefix_, options_.other_foreign);
    const size_t foreign = std::erase_if(left_, [&](const auto& entry) { return absl::StartsWith(entry.first, begin); });
    if (foreign > 0) dropped_.push_back(absl::StrCat(foreign, " tensors ", begin, "*"));
  }

  Source SourceOf(const TensorSpec& tensor) {
    const auto found = left_.find(FileName(tensor.name));
    if (found == left_.end()) return Missing(tensor);
    const size_t place = found->second;
    const TensorInfo& info = file_[place];
    left_.erase(found);
    if (!IsReadable(tensor, info.dtype)) {
      plan_.problems.push_back(absl::StrCat(info.name, ": type ", checkpoint::Name(info.dtype), " cannot be used"));
      return {};
    }
    if (info.shape == ShapeOf(tensor)) return {Origin::kFile, place};
    if (IsPositions(tensor.name) && FitPositions(tensor, info)) return {Origin::kPositions, place};
    if (options_.head && IsHead(tensor.name) && DifferOnlyInClasses(info.shape, ShapeOf(tensor))) return Draw(tensor);
    plan_.problems.push_back(absl::StrCat(info.name, ": shape ", checkpoint::ShapeText(info.shape), ", the model's is ",
                                          checkpoint::ShapeText(ShapeOf(tensor))));
    return {};
  }

  Source Missing(const TensorSpec& tensor) {
    if (tensor.role == TensorRole::kBatchesTracked) return {};
    if (options_.distillation && IsDistillation(tensor.name)) return Draw(tensor);
    plan_.problems.push_back(absl::StrCat(FileName(tensor.name), ": missing"));
    return {};
  }

  Source Draw(const TensorSpec& tensor) {
    drawn_.push_back(tensor.name);
    return {Origin::kInitial, 0};
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
  std::map<std::string, size_t> left_;  // tensors of the file that no tensor of the model has taken
  std::string prefix_;
  bool other_names_ = false;
  bool model_is_distilled_ = false, model_has_row_ = false, file_has_row_ = false;
  std::vector<std::string> drawn_, dropped_;
};

}  // namespace

PlanOptions PlanOptionsOf(const v1::ModelSpec& model) {
  PlanOptions options;
  const models::Family family = models::FamilyOf(model);
  options.other_name = [family](const std::string& timm) { return TorchvisionName(family, timm); };
  options.other_variance_offset = TorchvisionVarianceOffset(model);
  if (models::IsVitPytorch(family)) {
    options.other_name = DistillWrapperName;
    options.other_owner = "DistillWrapper's";
    options.other_foreign = "teacher.";
  }
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
