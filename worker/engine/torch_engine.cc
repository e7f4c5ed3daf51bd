#include "worker/engine/torch_engine.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "common/base/clock.h"
#include "common/base/exit_code.h"
#include "common/base/out_of_memory.h"
#include "common/models/model_catalog.h"
#include "common/models/model_tensors.h"
#include "common/teacher/teacher_output.h"
#include "worker/distill/loss.h"
#include "worker/distill/teacher.h"
#include "worker/engine/leaves.h"
#include "worker/engine/numerics.h"
#include "worker/engine/report_pass.h"
#include "worker/nn/frozen_model.h"
#include "worker/nn/model.h"
#include "worker/weights/weights_file.h"

namespace deit::engine {
namespace {

using models::TensorRole;
using train::EvaluationCounts;

double Now() { return absl::ToDoubleSeconds(Clock::System().Elapsed()); }

// Ends a pass that its caller no longer wants.
class PassGivenUp final : public std::exception {
 public:
  const char* what() const noexcept override { return "given up"; }
};

// The torch boundary: exceptions of the tensor library end here.
template <typename Result>
StatusOr<Result> Guarded(const char* what, const std::function<StatusOr<Result>()>& body) {
  try {
    return body();
  } catch (const PassGivenUp&) {
    return absl::CancelledError(absl::StrCat(what, ": given up"));
  } catch (const std::exception& error) {
    const std::string text = error.what();
    if (absl::StrContains(text, "can't allocate memory")) return OutOfMemory(what);
    return absl::InternalError(absl::StrCat(what, ": ", text.substr(0, text.find('\n'))));
  }
}

StatusOr<std::unique_ptr<distill::Teacher>> LoadTeacher(const v1::JobSpec& spec, std::vector<std::string>* notes) {
  const v1::TeacherSpec& teacher = spec.teacher();
  DEIT_ASSIGN_OR_RETURN(const v1::ModelSpec model, models::ResolveModel(teacher.model()));
  weights::PlanOptions options = weights::PlanOptionsOf(model);
  options.is_teachers = true;
  DEIT_ASSIGN_OR_RETURN(const weights::WeightsFile weights,
                        weights::WeightsFile::Open(teacher.weights(), models::TensorsOf(model), options, 0));
  notes->insert(notes->end(), weights.notes().begin(), weights.notes().end());
  DEIT_ASSIGN_OR_RETURN(auto frozen,
                        nn::NewFrozenModel(model, teacher.precision(), [&weights](size_t t, float* out) { return weights.Read(t, out); }));
  DEIT_ASSIGN_OR_RETURN(const teacher::OutputFormat format, teacher::OutputFormatOf(spec));
  distill::TeacherPixels pixels = distill::TeacherPixels::Of(spec);
  if (!pixels.description().empty()) notes->push_back(pixels.description());
  return std::make_unique<distill::Teacher>(std::move(frozen.model), std::move(frozen.values), format, std::move(pixels));
}

void Count(const float* fused, int64_t classes, int64_t label, EvaluationCounts* counts) {
  const int64_t rank = train::RankOf(fused, classes, label);
  counts->correct_fused += rank == 0;
  counts->correct5_fused += rank < 5;
  counts->loss += train::CrossEntropy(fused, classes, label);
}

int64_t CountCorrect(const at::Tensor& logits, const std::vector<int32_t>& labels) {
  const at::Tensor dense = logits.contiguous();
  const int64_t classes = dense.size(1);
  int64_t correct = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    correct += train::RankOf(dense.const_data_ptr<float>() + static_cast<int64_t>(i) * classes, classes, labels[i]) == 0;
  }
  return correct;
}

class TorchEngine final : public train::Engine {
 public:
  TorchEngine(const v1::JobSpec& spec, std::unique_ptr<nn::Model> model, std::unique_ptr<distill::Teacher> teacher, Use use)
      : spec_(spec), model_(std::move(model)), teacher_(std::move(teacher)), use_(use),
        reporter_(*model_, models::FamilyOf(spec.model()) == models::Family::kDeitDistilled, teacher_.get()) {}

  const std::vector<models::TensorSpec>& tensors() const override { return model_->tensors(); }
  std::string numerics() const override { return DescribeNumerics(spec_); }
  const train::EngineTimes& times() const override { return times_; }
  int64_t teacher_forwards() const override { return teacher_forwards_; }

  void Bind(const train::StateView& state) override {
    state_ = state;
    values_ = MakeLeaves(tensors(), state, use_ == Use::kTraining ? &sink_ : nullptr);
    for (const models::TensorSpec& tensor : tensors()) {
      const bool statistic = tensor.role == TensorRole::kRunningMean || tensor.role == TensorRole::kRunningVar;
      statistics_.push_back(statistic ? at::zeros(tensor.shape, at::kFloat) : at::Tensor());
    }
  }

  void OnPiece(std::function<bool()> done) override {
    block_done_ = nullptr;
    if (done) {
      block_done_ = [done = std::move(done)] {
        if (!done()) throw PassGivenUp();
      };
    }
    sink_.gradient_done = block_done_;
    if (teacher_) teacher_->OnBlock(block_done_);
  }

  StatusOr<train::LaneMetrics> TrainLane(const data::MicroBatch& batch, train::LaneAccumulator& into) override {
    return Guarded<train::LaneMetrics>("training a micro-batch", [&] { return Train(batch, into); });
  }

  StatusOr<EvaluationCounts> Evaluate(const float* pixels, const std::vector<int32_t>& labels) override {
    return Guarded<EvaluationCounts>("evaluating a chunk", [&] { return EvaluateChunk(pixels, labels); });
  }

  train::EvaluationReport NewReport() const override { return reporter_.NewReport(); }

  Status Report(const float* pixels, const std::vector<int32_t>& labels, train::EvaluationReport* report) override {
    return Guarded<bool>("evaluating a chunk",
                         [&]() -> StatusOr<bool> {
                           CopyBuffers(tensors(), state_, values_);
                           reporter_.Add(values_, Images(pixels, labels.size()), labels, report);
                           return true;
                         })
        .status();
  }

 private:
  at::Tensor Images(const float* pixels, size_t count) const {
    const v1::ModelSpec& model = spec_.model();
    return at::from_blob(const_cast<float*>(pixels), {static_cast<int64_t>(count), model.in_chans(), model.img_size(), model.img_size()},
                         at::kFloat);
  }

  StatusOr<train::LaneMetrics> Train(const data::MicroBatch& batch, train::LaneAccumulator& into) {
    const at::Tensor images = Images(batch.pixels, batch.labels.size());
    const double start = Now();
    DEIT_RETURN_IF_ERROR(AskTeacher(images));
    const double asked = Now();
    positions_.clear();
    for (const plan::View& view : batch.views) positions_.push_back(view.position);
    sink_.accumulator = &into;
    nn::ForwardContext context{true, spec_.train().seed(), positions_.data(), &sink_};
    context.block_done = block_done_;
    const nn::Outputs outputs = model_->Forward(values_, statistics_, images, context);
    at::Tensor labels = at::empty({static_cast<int64_t>(batch.labels.size())}, at::kLong);
    std::copy(batch.labels.begin(), batch.labels.end(), labels.mutable_data_ptr<int64_t>());
    const distill::LossResult loss =
        distill::MicroBatchLoss(outputs, labels, KeepOf(batch), teacher_ ? &targets_ : nullptr, distill::LossOptionsOf(spec_));
    const double forwarded = Now();
    loss.total.backward();
    GiveStatistics(into);
    sink_.accumulator = nullptr;
    times_.teacher += asked - start;
    times_.forward += forwarded - asked;
    times_.backward += Now() - forwarded;
    const double total = teacher_is_finite_ ? loss.total.item<double>() : std::numeric_limits<double>::quiet_NaN();
    return train::LaneMetrics{total, loss.base, loss.distillation, static_cast<int64_t>(batch.labels.size()), loss.correct};
  }

  // What each view keeps of its own target; undefined where views are not mixed.
  static at::Tensor KeepOf(const data::MicroBatch& batch) {
    if (batch.mixes.empty()) return {};
    at::Tensor keep = at::empty({static_cast<int64_t>(batch.mixes.size())}, at::kFloat);
    std::transform(batch.mixes.begin(), batch.mixes.end(), keep.mutable_data_ptr<float>(), [](const auto& mix) { return mix.keep; });
    return keep;
  }

  // Every teacher output goes through the same encode and decode, on any worker and from any store.
  Status AskTeacher(const at::Tensor& images) {
    if (!teacher_) return absl::OkStatus();
    auto recorded = teacher_->Record(images);
    teacher_is_finite_ = !absl::IsOutOfRange(recorded.status());
    if (!teacher_is_finite_) {  // the lane is not finite, and its step does not count, whatever its gradients are
      const std::vector<float> nothing(static_cast<size_t>(images.size(0) * teacher_->format().classes));
      recorded = teacher::EncodeOutput(teacher_->format(), nothing.data(), images.size(0));
    }
    DEIT_ASSIGN_OR_RETURN(const std::string record, std::move(recorded));
    DEIT_ASSIGN_OR_RETURN(targets_, teacher::DecodeOutput(teacher_->format(), record, images.size(0)));
    ++teacher_forwards_;
    return absl::OkStatus();
  }

  void GiveStatistics(train::LaneAccumulator& into) {
    for (size_t t = 0; t < statistics_.size(); ++t) {
      if (!statistics_[t].defined()) continue;
      const float* values = statistics_[t].const_data_ptr<float>();
      std::copy(values, values + statistics_[t].numel(), into.statistics_scratch().data() + state_.offset[t]);
    }
    into.CommitStatistics();
  }

  StatusOr<EvaluationCounts> EvaluateChunk(const float* pixels, const std::vector<int32_t>& labels) {
    const at::NoGradGuard no_grad;
    CopyBuffers(tensors(), state_, values_);
    nn::ForwardContext context;
    context.block_done = block_done_;
    const nn::Outputs outputs = model_->Forward(values_, {}, Images(pixels, labels.size()), context);
    const at::Tensor fused = nn::FusedLogits(outputs).contiguous();
    EvaluationCounts counts;
    counts.images = static_cast<int64_t>(labels.size());
    for (size_t i = 0; i < labels.size(); ++i)
      Count(fused.const_data_ptr<float>() + static_cast<int64_t>(i) * fused.size(1), fused.size(1), labels[i], &counts);
    counts.correct_head = CountCorrect(outputs.head, labels);
    counts.correct_dist = outputs.head_dist.defined() ? CountCorrect(outputs.head_dist, labels) : counts.correct_head;
    return counts;
  }

  const v1::JobSpec spec_;
  const std::unique_ptr<nn::Model> model_;
  const std::unique_ptr<distill::Teacher> teacher_;
  const Use use_;
  const ReportPass reporter_;
  train::StateView state_;
  AccumulatorSink sink_;
  std::vector<at::Tensor> values_, statistics_;  // by tensor; statistics_: undefined where not a running statistic
  std::vector<uint64_t> positions_;
  teacher::TeacherTargets targets_;
  train::EngineTimes times_;
  int64_t teacher_forwards_ = 0;
  bool teacher_is_finite_ = true;  // of the running lane
  std::function<void()> block_done_;
};

}  // namespace

StatusOr<std::unique_ptr<train::Engine>> NewTorchEngine(const v1::JobSpec& spec, Use use, std::vector<std::string>* notes) {
  std::vector<std::string> unheard;
  if (notes == nullptr) notes = &unheard;
  using Result = std::unique_ptr<train::Engine>;
  return Guarded<Result>("building the model", [&]() -> StatusOr<Result> {
    DEIT_ASSIGN_OR_RETURN(auto model, nn::NewModel(spec.model(), spec.train().precision()));
    std::unique_ptr<distill::Teacher> teacher;
    if (use != Use::kEvaluation && spec.distillation().type() != v1::DistillationSpec::NONE) {
      auto loaded = LoadTeacher(spec, notes);
      if (!loaded.ok()) return Annotate(loaded.status(), "teacher.weights");
      teacher = *std::move(loaded);
    }
    return std::make_unique<TorchEngine>(spec, std::move(model), std::move(teacher), use);
  });
}

}  // namespace deit::engine
