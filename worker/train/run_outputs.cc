#include "worker/train/run_outputs.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/terminal.h"
#include "common/base/unix_time.h"
#include "common/json/json_file.h"
#include "common/plan/schedule.h"
#include "common/run/error_report.h"
#include "worker/train/evaluator.h"

namespace deit::train {
namespace {

constexpr double kSmoothing = 0.9;  // of the step time that the progress line shows

metrics::EvaluationCells CellsOf(const EvaluationCounts& counts) {
  return {.loss = counts.loss / static_cast<double>(std::max<int64_t>(1, counts.images)),
          .top1 = Percent(counts.correct_fused, counts.images),
          .top5 = Percent(counts.correct5_fused, counts.images)};
}

double Smooth(double old, double now) { return old == 0 ? now : kSmoothing * old + (1 - kSmoothing) * now; }

}  // namespace

StatusOr<std::unique_ptr<RunOutputs>> RunOutputs::Open(const OutputsOptions& options) {
  auto outputs = std::unique_ptr<RunOutputs>(new RunOutputs(options));
  const run::RunFolder& folder = options.attempt->folder;
  const int64_t first_step = static_cast<int64_t>(options.first_step);
  DEIT_ASSIGN_OR_RETURN(outputs->metrics_, metrics::MetricsLog::Open(folder.Metrics(), first_step));
  DEIT_ASSIGN_OR_RETURN(outputs->csv_,
                        metrics::SummaryCsv::Open(folder.SummaryCsv(), options.first_epoch, options.spec->ema().decay() > 0));
  DEIT_ASSIGN_OR_RETURN(outputs->tensorboard_, metrics::TensorBoardWriter::Open(folder.TensorBoard(), first_step, Clock::System()));
  outputs->owner_ = options.attempt->owner.get();
  outputs->keeper_ = options.attempt->keeper.get();
  DEIT_CHECK(outputs->keeper_ != nullptr);
  if (outputs->owner_ == nullptr) {
    DEIT_ASSIGN_OR_RETURN(outputs->events_, run::EventLog::Open(folder.AttemptEvents(options.attempt->number), Clock::System()));
  }
  outputs->val_acc1_ = options.val_acc1;
  outputs->val_acc1_ema_ = options.val_acc1_ema;
  DEIT_RETURN_IF_ERROR(outputs->WriteStart(first_step + outputs->metrics_->steps_removed()));
  metrics::ProgressOptions progress;
  progress.path = folder.Progress();
  progress.log_interval = options.spec->log_interval();
  progress.rewrite = CanRewriteLines(STDOUT_FILENO);
  outputs->progress_ = std::make_unique<metrics::Progress>(progress);
  outputs->keeper_->Locked([&] { outputs->progress_->Begin(outputs->ProgressAfter(options.first_step)); });
  outputs->keeper_->Show(outputs->progress_.get());
  return outputs;
}

Status RunOutputs::WriteStart(int64_t reached_step) {
  v1::AttemptStart start;
  start.set_time(UnixSeconds(absl::Now()));
  start.set_attempt(options_.attempt->number);
  start.set_workers(options_.workers);
  start.set_first_step(static_cast<int64_t>(options_.first_step));
  start.set_reached_step(reached_step);
  if (options_.recovery) *start.mutable_recovery() = *options_.recovery;
  if (owner_ != nullptr) keeper_->Locked([&] { owner_->Started(start); });
  return json::WriteJsonFile(files::FileSystem::Posix(), options_.attempt->folder.Start(start.attempt()), start);
}

void RunOutputs::Check(const Status& status) {
  if (status.ok() || !told_.insert(std::string(status.message())).second) return;
  LogWarning(absl::StrCat("cannot write to the run folder: ", status.message()));
}

v1::Progress RunOutputs::ProgressAfter(uint64_t steps_done) const {
  const plan::Sampler& sampler = *options_.sampler;
  const uint64_t epoch = sampler.EpochOfStep(steps_done == 0 ? 0 : steps_done - 1);
  const uint64_t begin = sampler.FirstStepOfEpoch(epoch), end = sampler.FirstStepOfEpoch(epoch + 1);
  v1::Progress progress;
  progress.set_attempt(options_.attempt->number);
  progress.set_workers(options_.workers);
  progress.set_first_step(static_cast<int64_t>(options_.first_step));
  progress.set_step(static_cast<int64_t>(steps_done));
  progress.set_steps(static_cast<int64_t>(options_.end_step));
  progress.set_epoch(static_cast<int32_t>(epoch));
  progress.set_epochs(options_.spec->train().epochs());
  progress.set_epoch_step(static_cast<int64_t>(steps_done - begin));
  progress.set_epoch_steps(static_cast<int64_t>(end - begin));
  if (epoch_steps_ > 0) {
    progress.set_loss(loss_);
    progress.set_loss_average(epoch_loss_ / static_cast<double>(epoch_steps_));
    progress.set_step_seconds(step_seconds_);
    progress.set_images_per_second(options_.spec->train().batch_size() / step_seconds_);
    progress.set_data_share(data_share_);
    progress.set_lr(learning_rate_);
    progress.set_eta_seconds(step_seconds_ * static_cast<double>(options_.end_step - steps_done));
  }
  if (val_acc1_) progress.set_val_acc1(*val_acc1_);
  return progress;
}

void RunOutputs::StepDone(uint64_t step, const StepResult& result, double seconds, double data_seconds) {
  const StepDecision& decision = result.decision;
  if (options_.sampler->FirstStepOfEpoch(options_.sampler->EpochOfStep(step)) == step) epoch_loss_ = 0, epoch_steps_ = 0;
  loss_ = decision.mean.loss;
  epoch_loss_ += loss_;
  ++epoch_steps_;
  learning_rate_ = result.learning_rate;
  step_seconds_ = Smooth(step_seconds_, seconds);
  data_share_ = Smooth(data_share_, std::min(1.0, data_seconds / seconds));
  seconds_ += seconds;
  images_ += decision.mean.images;
  v1::StepMetrics metrics;
  metrics.set_step(static_cast<int64_t>(step));
  metrics.set_time(UnixSeconds(absl::Now()));
  metrics.set_loss(loss_);
  if (options_.spec->distillation().labels()) metrics.set_loss_base(decision.mean.base);
  if (options_.spec->distillation().type() != v1::DistillationSpec::NONE) metrics.set_loss_distill(decision.mean.distill);
  metrics.set_lr(learning_rate_);
  metrics.set_grad_norm(decision.gradient_norm);
  metrics.set_images_per_second(static_cast<double>(decision.mean.images) / seconds);
  metrics.set_seconds(seconds);
  metrics.set_data_seconds(data_seconds);
  if (decision.mean.replaced > 0) metrics.set_views_replaced(decision.mean.replaced);
  metrics.set_skipped(!decision.update);
  Check(metrics_->Append(metrics));
  if ((step + 1) % static_cast<uint64_t>(options_.spec->log_interval()) == 0) {
    Check(tensorboard_->AddScalars(
        static_cast<int64_t>(step) + 1,
        {{metrics::kTagTrainLoss, loss_}, {metrics::kTagTrainLr, learning_rate_}, {metrics::kTagImagesPerSecond, images_per_second()}}));
  }
  keeper_->Locked([&] { progress_->Update(ProgressAfter(step + 1)); });
}

void RunOutputs::EpochDone(uint64_t epoch, uint64_t steps_done, const std::optional<Evaluation>& evaluation) {
  metrics::EpochRow row;
  row.epoch = static_cast<int>(epoch);
  if (epoch_steps_ > 0) row.train_loss = epoch_loss_ / static_cast<double>(epoch_steps_);
  row.lr = plan::LearningRate(*options_.spec, *options_.sampler, steps_done - 1);
  if (evaluation) {
    row.eval = CellsOf(evaluation->weights);
    val_acc1_ = row.eval.top1;
    Check(tensorboard_->AddScalars(static_cast<int64_t>(steps_done), {{metrics::kTagValAcc1, *val_acc1_}}));
    std::string of_ema;
    if (evaluation->averages) {
      row.eval_ema = CellsOf(*evaluation->averages);
      val_acc1_ema_ = row.eval_ema.top1;
      Check(tensorboard_->AddScalars(static_cast<int64_t>(steps_done), {{metrics::kTagValAcc1Ema, *val_acc1_ema_}}));
      of_ema = absl::StrCat(", of the averaged weights ", *val_acc1_ema_, ",");
    }
    Event(v1::Event::EpochEvaluated,
          absl::StrCat("epoch ", epoch, ": val_acc1 ", *val_acc1_, of_ema, " of ", evaluation->weights.images, " images"), steps_done);
  }
  Check(csv_->Append(row));
  keeper_->Locked([&] { progress_->FinishEpoch(ProgressAfter(steps_done)); });
}

void RunOutputs::Event(v1::Event::Reason reason, const std::string& message, std::optional<uint64_t> step) {
  run::EventSubject subject;
  subject.attempt = options_.attempt->number;
  if (step) subject.step = static_cast<int64_t>(*step);
  if (owner_ != nullptr) return keeper_->Locked([&] { owner_->Event(reason, message, subject); });
  Check(events_->Record(reason, message, subject));
}

RunOutputs::~RunOutputs() { HideProgress(); }

void RunOutputs::HideProgress() {
  if (progress_ == nullptr) return;
  keeper_->Show(nullptr);
  progress_.reset();
}

void RunOutputs::Sync() {
  Check(metrics_->Sync());
  Check(csv_->Sync());
}

double RunOutputs::images_per_second() const { return seconds_ > 0 ? static_cast<double>(images_) / seconds_ : 0; }

void RunOutputs::End(v1::AttemptResult result, const Status& status) {
  auto& fs = files::FileSystem::Posix();
  HideProgress();
  result.set_attempt(options_.attempt->number);
  if (val_acc1_) result.set_val_acc1(*val_acc1_);
  if (val_acc1_ema_) result.set_val_acc1_ema(*val_acc1_ema_);
  if (seconds_ > 0) result.set_images_per_second(images_per_second());
  run::SetOutcome(status, absl::Now(), &result);
  Check(run::WriteAttemptResult(fs, options_.attempt->folder.Result(options_.attempt->number), result));
  if (owner_ != nullptr) keeper_->Locked([&] { owner_->Ended(result); });
  Sync();
}

}  // namespace deit::train
