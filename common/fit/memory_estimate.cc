#include "common/fit/memory_estimate.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/numbers.h"
#include "common/models/activation_size.h"
#include "common/models/model_catalog.h"
#include "common/plan/lane_tree.h"
#include "common/plan/lanes.h"

namespace deit::fit {
namespace {

constexpr int64_t kFloat = 4;                     // bytes
constexpr int64_t kProgram = int64_t{128} << 20;  // a worker that trains a model of a few parameters, with LibTorch and Open MPI

int64_t BytesPerNumber(v1::Precision precision) { return precision == v1::BF16 ? 2 : kFloat; }

int64_t PixelBytes(const v1::ModelSpec& model) { return int64_t{model.in_chans()} * model.img_size() * model.img_size() * kFloat; }

// Gradient slots of the workers [0, on_node), which hold the most.
int64_t Slots(int lanes, int workers, int on_node) {
  int64_t slots = 0;
  for (int w = 0; w < on_node; ++w) slots += plan::PlanAccumulation(plan::LanesOfWorker(w, workers, lanes), lanes).slots;
  return slots;
}

int64_t EvaluationBytes(const v1::ModelSpec& model, int64_t images) {
  return std::min(models::ImagesPerPass(model), images) * models::ActivationsOf(model, v1::FP32).evaluation;
}

// Validation images that one chunk holds.
int64_t ChunkImages(const v1::JobSpec& job) {
  const int64_t images = job.evaluate().batch_size();
  const bool known = job.data().format() == v1::DataSpec::SYNTHETIC;
  return known ? std::min(images, int64_t{job.data().synthetic_images() + 9} / 10) : images;
}

// Of one worker's teacher, without its weights: one pass, in its precision.
int64_t TeacherPass(const v1::JobSpec& job, const v1::ModelSpec& teacher, int64_t images) {
  return EvaluationBytes(teacher, images) * BytesPerNumber(job.teacher().precision()) / kFloat;
}

}  // namespace

StatusOr<MemoryEstimate> EstimateTraining(const v1::JobSpec& job, int workers, int on_node) {
  const v1::ModelSpec& model = job.model();
  const int64_t numbers = models::ParameterCount(model), lane = job.train().batch_size() / job.train().lanes();
  MemoryEstimate estimate;
  estimate.program = on_node * kProgram;
  estimate.weights = numbers * (kFloat + (job.train().precision() == v1::BF16 ? 2 : 0));
  estimate.slots = Slots(job.train().lanes(), workers, on_node) * numbers * kFloat;
  const bool two_moments = job.optimizer().opt() == "adamw" || job.optimizer().opt() == "lamb";
  const int64_t kinds = (two_moments ? 2 : 1) + (job.ema().decay() > 0 ? 1 : 0);
  estimate.state = kinds * numbers * kFloat * on_node / workers;
  const int64_t training = lane * models::ActivationsOf(model, job.train().precision()).training;
  estimate.activations = on_node * std::max(training, EvaluationBytes(model, ChunkImages(job)));
  estimate.loader = on_node * PixelBytes(model) * (lane * (job.data().prefetch() + 1) + ChunkImages(job));
  if (job.distillation().type() != v1::DistillationSpec::NONE) {
    DEIT_ASSIGN_OR_RETURN(const v1::ModelSpec teacher, models::ResolveModel(job.teacher().model()));
    const int64_t weights = models::ParameterCount(teacher) * BytesPerNumber(job.teacher().precision());
    estimate.teacher = on_node * (weights + TeacherPass(job, teacher, lane));
  }
  return estimate;
}

std::string Describe(const MemoryEstimate& estimate) {
  std::vector<std::pair<int64_t, const char*>> parts = {
      {estimate.program, "program"},         {estimate.weights, "weights"}, {estimate.slots, "gradients"}, {estimate.state, "optimizer"},
      {estimate.activations, "activations"}, {estimate.teacher, "teacher"}, {estimate.loader, "images"}};
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> texts;
  for (const auto& [bytes, name] : parts) {
    if (bytes * 100 >= estimate.total()) texts.push_back(absl::StrCat(name, " ", BytesText(static_cast<double>(bytes))));
  }
  return absl::StrCat(BytesText(static_cast<double>(estimate.total())), " (", absl::StrJoin(texts, ", "), ")");
}

StatusOr<std::string> MemoryWarning(const v1::JobSpec& job, int workers, int on_node, const machine::MemoryRoom& room) {
  DEIT_ASSIGN_OR_RETURN(const MemoryEstimate estimate, EstimateTraining(job, workers, on_node));
  if (estimate.total() <= room.bytes) return std::string();
  const std::string lack = absl::StrCat("memory: ", on_node, on_node == 1 ? " worker needs" : " workers need", " about ",
                                        Describe(estimate), ": ", room.of, " has ", BytesText(static_cast<double>(room.bytes)), " left: ");
  v1::JobSpec other = job;
  for (int64_t lanes = int64_t{2} * job.train().lanes(); lanes <= 4096 && job.train().batch_size() % lanes == 0; lanes *= 2) {
    other.mutable_train()->set_lanes(static_cast<int32_t>(lanes));
    DEIT_ASSIGN_OR_RETURN(const MemoryEstimate smaller, EstimateTraining(other, workers, on_node));
    if (smaller.total() <= room.bytes)
      return absl::StrCat(lack, "train.lanes=", lanes, " would fit (fewer images at a time; other weights)");
  }
  for (int fewer = on_node - 1; fewer >= 1; --fewer) {
    DEIT_ASSIGN_OR_RETURN(const MemoryEstimate smaller, EstimateTraining(job, workers - on_node + fewer, fewer));
    if (smaller.total() <= room.bytes) return absl::StrCat(lack, fewer, fewer == 1 ? " worker" : " workers", " would fit");
  }
  return absl::StrCat(lack, "neither more lanes nor fewer workers would fit");
}

}  // namespace deit::fit
