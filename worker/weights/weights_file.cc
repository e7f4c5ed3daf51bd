#include "worker/weights/weights_file.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_join.h"
#include "common/base/exit_code.h"
#include "common/checkpoint/weights_content.h"
#include "common/teacher/half.h"
#include "worker/update/block_math.h"
#include "worker/weights/fit_positions.h"

namespace deit::weights {
namespace {

using checkpoint::Dtype;
using checkpoint::TensorInfo;
using models::TensorRole;

std::string AdviceOf(const std::string& adaptations, bool knows_names, bool is_teachers) {
  if (!knows_names) return "want weights of this model, under timm's, facebookresearch's, torchvision's or Hugging Face's names";
  if (!adaptations.empty()) return absl::StrCat("adapt=", adaptations, " among the model's fields makes them fit");
  return is_teachers ? "a teacher's tensors are never initialised: want weights of these sizes and of the job's classes"
                     : "give the model the sizes that the weights were trained with";
}

// The adaptations that would make the file fit, as the user would write them; empty: none would.
std::string UsefulAdaptations(const std::vector<TensorInfo>& file, const std::vector<models::TensorSpec>& model,
                              const weights::PlanOptions& options) {
  weights::PlanOptions with = options;
  with.positions = true;
  with.head = with.distillation = !options.is_teachers;
  if (!weights::PlanWeights(file, model, with).problems.empty()) return "";
  std::vector<std::string> needed;
  const auto drop_if_useless = [&](bool weights::PlanOptions::*adaptation, const char* name) {
    with.*adaptation = false;
    if (weights::PlanWeights(file, model, with).problems.empty()) return;
    with.*adaptation = true;
    needed.push_back(name);
  };
  drop_if_useless(&weights::PlanOptions::positions, "POSITIONS");
  drop_if_useless(&weights::PlanOptions::head, "HEAD");
  drop_if_useless(&weights::PlanOptions::distillation, "DISTILLATION");
  return absl::StrJoin(needed, ",");
}

Status ReadAsFloat(const StoredTensor& tensor, float* out) {
  const auto& [info, read] = tensor;
  if (info.dtype == Dtype::kF32) return read(out);
  if (info.dtype == Dtype::kF64) {
    std::vector<double> wide(info.elements);
    DEIT_RETURN_IF_ERROR(read(wide.data()));
    std::transform(wide.begin(), wide.end(), out, [](double value) { return static_cast<float>(value); });
    return absl::OkStatus();
  }
  std::vector<uint16_t> narrow(info.elements);
  DEIT_RETURN_IF_ERROR(read(narrow.data()));
  if (info.dtype == Dtype::kBF16) update::CastToFloat(narrow.data(), out, static_cast<int64_t>(info.elements));
  else std::transform(narrow.begin(), narrow.end(), out, teacher::FloatFromHalf);
  return absl::OkStatus();
}

}  // namespace

StatusOr<WeightsFile> WeightsFile::Open(const std::string& path, const std::vector<models::TensorSpec>& tensors,
                                        const weights::PlanOptions& options, uint64_t seed) {
  WeightsFile weights;
  DEIT_ASSIGN_OR_RETURN(StoredWeights stored, OpenStored(path));
  weights.stored_ = std::move(stored.tensors);
  if (!stored.note.empty()) weights.notes_.push_back(absl::StrCat(path, ": ", stored.note));
  weights.path_ = path;
  weights.tensors_ = tensors;
  weights.seed_ = seed;
  std::vector<TensorInfo> infos;
  for (const StoredTensor& tensor : weights.stored_) infos.push_back(tensor.info);
  weights.plan_ = weights::PlanWeights(infos, tensors, options);
  for (const std::string& note : weights.plan_.notes) weights.notes_.push_back(absl::StrCat(path, ": ", note));
  const std::vector<std::string>& problems = weights.plan_.problems;
  if (problems.empty()) return weights;
  const std::string adaptations = UsefulAdaptations(infos, tensors, options);
  return WithHint(
      WithExitCode(absl::InvalidArgumentError(absl::StrCat(path, ": not this model's weights: ", absl::StrJoin(problems, "; "))),
                   ExitCode::kCorrupt),
      AdviceOf(adaptations, weights.plan_.knows_names, options.is_teachers));
}

Status WeightsFile::ReadFromFile(size_t place, float* out) const {
  const TensorInfo& info = stored_[place].info;
  DEIT_RETURN_IF_ERROR(ReadAsFloat(stored_[place], out));
  const float* const broken = std::find_if_not(out, out + info.elements, [](float value) { return std::isfinite(value); });
  if (broken == out + info.elements) return absl::OkStatus();
  return WithHint(absl::DataLossError(absl::StrCat(path_, ": ", info.name, ": ", *broken, " at element ", broken - out, " of ",
                                                   checkpoint::ShapeText(info.shape))),
                  "want weights that are numbers: the training that wrote these had diverged, or their type cannot hold them");
}

Status WeightsFile::ReadParts(const std::vector<size_t>& places, float* out) const {
  for (const size_t place : places) {
    DEIT_RETURN_IF_ERROR(ReadFromFile(place, out));
    out += stored_[place].info.elements;
  }
  return absl::OkStatus();
}

// What the file lacks keeps the initial values.
Status WeightsFile::ReadPositions(size_t t, float* out) const {
  const size_t place = plan_.sources[t].places[0];
  std::vector<float> rows(stored_[place].info.elements);
  DEIT_RETURN_IF_ERROR(ReadFromFile(place, rows.data()));
  DEIT_RETURN_IF_ERROR(models::InitialiseTensor(tensors_[t], static_cast<int>(t), seed_, out));
  FitPositions(rows.data(), plan_.file_grid, plan_.model_grid, tensors_[t].shape.back(), out);
  return absl::OkStatus();
}

Status WeightsFile::Read(size_t t, float* out) const {
  switch (plan_.sources[t].origin) {
    case Origin::kFile: DEIT_RETURN_IF_ERROR(ReadParts(plan_.sources[t].places, out)); break;
    case Origin::kInitial: return models::InitialiseTensor(tensors_[t], static_cast<int>(t), seed_, out);
    case Origin::kPositions: return ReadPositions(t, out);
    case Origin::kAbsent: return absl::InternalError(absl::StrCat(tensors_[t].name, ": not in the file"));
  }
  if (plan_.variance_offset == 0 || tensors_[t].role != TensorRole::kRunningVar) return absl::OkStatus();
  std::for_each(out, out + tensors_[t].size(), [this](float& v) { v = static_cast<float>(v + plan_.variance_offset); });
  return absl::OkStatus();
}

StatusOr<int64_t> WeightsFile::BatchesTracked() const {
  for (size_t t = 0; t < tensors_.size(); ++t) {
    if (tensors_[t].role != TensorRole::kBatchesTracked || plan_.sources[t].origin != Origin::kFile) continue;
    int64_t value = 0;
    DEIT_RETURN_IF_ERROR(stored_[plan_.sources[t].places[0]].read(&value));
    return value;
  }
  return 0;
}

}  // namespace deit::weights
