// Outputs of worker 0 while a job runs: metrics, epoch rows, TensorBoard, progress, start record, events and result. Write errors never
// stop training and are logged once. Where worker 0 is the job's owner too, events and results go into the job's own files at once; else
// the owner reads them from the attempt's.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "common/metrics/metrics_log.h"
#include "common/metrics/progress.h"
#include "common/metrics/summary_csv.h"
#include "common/metrics/tensorboard.h"
#include "common/plan/sampler.h"
#include "common/run/events.h"
#include "proto/spec.pb.h"
#include "worker/train/attempt.h"
#include "worker/train/engine.h"
#include "worker/train/trainer.h"

namespace deit::train {

struct OutputsOptions {
  const v1::JobSpec* spec;
  const plan::Sampler* sampler;
  const Attempt* attempt;
  int workers = 1;
  uint64_t first_step = 0, end_step = 0;          // of this attempt; the job's, or train.max_steps
  int first_epoch = 0;                            // the first that this attempt finishes
  std::optional<v1::Summary::Recovery> recovery;  // unset for a fresh start
  std::optional<double> val_acc1, val_acc1_ema;   // as restored
};

// What an epoch's end was evaluated with; the EMA where there is one.
struct Evaluation {
  EvaluationCounts weights;
  std::optional<EvaluationCounts> averages;
};

// Not thread-safe. Files of earlier attempts are cut back to first_step and continued.
class RunOutputs {
 public:
  static StatusOr<std::unique_ptr<RunOutputs>> Open(const OutputsOptions& options);
  ~RunOutputs();
  RunOutputs(const RunOutputs&) = delete;
  RunOutputs& operator=(const RunOutputs&) = delete;

  // After step `step`, which took `seconds`, `data_seconds` of them waiting for images.
  void StepDone(uint64_t step, const StepResult& result, double seconds, double data_seconds);

  // At the end of epoch `epoch`, or of a job that ends within it; `evaluation` where it was evaluated.
  void EpochDone(uint64_t epoch, uint64_t steps_done, const std::optional<Evaluation>& evaluation);

  void Event(v1::Event::Reason reason, const std::string& message, std::optional<uint64_t> step = std::nullopt);

  // Lines of the steps that a checkpoint is about to hold are on stable storage.
  void Sync();

  // The attempt's end, good or bad.
  void End(v1::AttemptResult result, const Status& status);

  double images_per_second() const;  // over the attempt so far

 private:
  explicit RunOutputs(const OutputsOptions& options) : options_(options) {}
  Status WriteStart(int64_t reached_step);
  v1::Progress ProgressAfter(uint64_t steps_done) const;
  void HideProgress();
  void Check(const Status& status);

  OutputsOptions options_;
  std::optional<metrics::MetricsLog> metrics_;
  std::optional<metrics::SummaryCsv> csv_;
  std::optional<metrics::TensorBoardWriter> tensorboard_;
  job::JobStore* owner_ = nullptr;       // null under deit-coord run; touched through the keeper
  RecordKeeper* keeper_ = nullptr;       // of the attempt; and for the progress
  std::optional<run::EventLog> events_;  // the attempt's own, without an owner here
  std::unique_ptr<metrics::Progress> progress_;
  std::set<std::string> told_;  // what could not be written, and why: each is logged once
  double loss_ = 0, epoch_loss_ = 0, learning_rate_ = 0, step_seconds_ = 0, data_share_ = 0, seconds_ = 0;
  int64_t epoch_steps_ = 0, images_ = 0;
  std::optional<double> val_acc1_, val_acc1_ema_;
};

}  // namespace deit::train
