#include "worker/train/job.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/digest.h"
#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/metrics/progress_text.h"
#include "common/process/signals.h"
#include "common/run/saved_step.h"
#include "worker/checkpoint/checkpointer.h"
#include "worker/exchange/agreement.h"
#include "worker/state/state_digest.h"
#include "worker/train/evaluator.h"
#include "worker/train/resume_check.h"
#include "worker/train/run_outputs.h"
#include "worker/train/stop_plan.h"
#include "worker/train/stop_while_loading.h"
#include "worker/train/trainer.h"
#include "worker/train/training_state.h"

namespace deit::train {
namespace {

class Job {
 public:
  Job(collective::Communicator& world, const Attempt& attempt, const JobInputs& in, const JobOptions& options,
      control::WorkerProgress& worker_progress)
      : world_(world), attempt_(attempt), in_(in), spec_(*in.spec), options_(options),
        worker_progress_(worker_progress), deadline_{absl::Seconds(in.spec->fault().stall_timeout())} {}

  Status Run() {
    const absl::Duration start = Clock::System().Elapsed();
    DEIT_RETURN_IF_ERROR(CompareWorkers());
    DEIT_RETURN_IF_ERROR(Assemble());
    worker_progress_.Report("load");
    DEIT_RETURN_IF_ERROR(RestoreOrInitialise());
    saved_step_ = first_step_;
    worker_progress_.Loaded(first_step_, absl::Now());
    DEIT_RETURN_IF_ERROR(OpenOutputs(absl::ToDoubleSeconds(Clock::System().Elapsed() - start)));
    Status trained = Train();
    training_state_->worker_group().context().step = progress_.step;  // equal on all workers, wherever they ended
    const bool known = trained.ok() || exchange::AgreedFailureOf(trained) || collective::IsPeerFailure(trained);
    if (!known) trained = training_state_->worker_group().gather().Fail(trained);
    return End(trained);
  }

 private:
  bool first() const { return world_.rank() == 0; }
  uint64_t EndStep() const {
    const uint64_t steps = in_.sampler->StepsFor(static_cast<uint64_t>(spec_.train().epochs()));
    const uint64_t limit = static_cast<uint64_t>(spec_.train().max_steps());
    return limit == 0 ? steps : std::min(steps, limit);
  }

  // All workers must do the same job; unequal numerics only cost the equality of bits.
  Status CompareWorkers() {
    const std::string description = in_.engine->numerics();
    fingerprint_ = DigestHex(Digest64(description.data(), description.size()));
    uint64_t spec_digest = 0, fingerprint = 0;
    DEIT_CHECK(ParseDigestHex(in_.spec_digest, &spec_digest) && ParseDigestHex(fingerprint_, &fingerprint));
    DEIT_ASSIGN_OR_RETURN(const auto specs, exchange::ShareNumbers(world_, deadline_, spec_digest, "comparing jobs"));
    DEIT_ASSIGN_OR_RETURN(const auto numerics, exchange::ShareNumbers(world_, deadline_, fingerprint, "comparing numerics"));
    for (size_t w = 0; w < specs.size(); ++w) {
      if (specs[w] != specs[0]) {
        return WithHint(absl::InvalidArgumentError(
                            absl::StrCat("spec digest of worker ", w, ": ", DigestHex(specs[w]), ": worker 0 has ", DigestHex(specs[0]))),
                        "give all workers the same job file and the same data");
      }
      if (numerics[w] != numerics[0] && first()) {
        LogWarning(absl::StrCat("worker ", w, " computes with other numerics than worker 0: results will be close, not identical"));
      }
    }
    return absl::OkStatus();
  }

  Status Assemble() {
    DEIT_ASSIGN_OR_RETURN(training_state_, TrainingState::Form(world_, spec_, in_.evaluation_images, *in_.engine));
    training_state_->worker_group().context().worker_progress = &worker_progress_;
    evaluation_.emplace(*in_.evaluation_views, in_.evaluation_images, spec_.evaluate().batch_size(), spec_.data().threads());
    checkpoint::CheckpointerOptions saving;
    saving.root = attempt_.folder.Checkpoints();
    saving.nonce = attempt_.nonce;
    if (attempt_.lock) saving.check_current = [this] { return attempt_.lock->CheckCurrent(); };
    saving.keep = spec_.checkpoint().keep();
    saving.best_by = spec_.checkpoint().best_by();
    saving.interrupted = [this]() -> Status {
      if (Clock::System().Elapsed() < StopRequestedAt() + kLoadingGrace) return absl::OkStatus();
      return WithExitCode(absl::AbortedError("stopped before training began: nothing is lost"), ExitCode::kStoppedAndSaved);
    };
    saving.job_id = attempt_.job_id;
    saving.spec_digest = in_.spec_digest;
    saving.numerics_fingerprint = fingerprint_;
    checkpointer_.emplace(training_state_->state(), saving);
    return absl::OkStatus();
  }

  Status RestoreOrInitialise() {
    if (options_.resume != Resume::kNever) {
      DEIT_ASSIGN_OR_RETURN(restored_, checkpointer_->Restore());
    }
    if (!restored_ && options_.resume == Resume::kRequired) {
      return WithHint(absl::NotFoundError(absl::StrCat(attempt_.folder.Checkpoints(), ": no usable checkpoint")),
                      "start without --resume=required to train from the beginning");
    }
    if (!restored_ && options_.resume == Resume::kAuto) {
      DEIT_RETURN_IF_ERROR(
          training_state_->worker_group().Agree(first() ? CheckNothingIsLost() : absl::OkStatus(), "the lack of a checkpoint"));
    }
    if (!restored_) {
      DEIT_RETURN_IF_ERROR(in_.initialise(training_state_->state()));
    } else {
      progress_ = restored_->progress;
      const Status same = CheckSamePositions(progress_.ledger, *in_.sampler, progress_.step);
      if (!same.ok()) return exchange::AsAgreed(Annotate(same, absl::StrCat("checkpoint of step ", progress_.step)));
      if (first() && restored_->numerics_fingerprint != fingerprint_) {
        numerics_changed_ = absl::StrCat("the checkpoint of step ", progress_.step,
                                         " was trained with other numerics: results will be close, not identical");
        LogWarning(numerics_changed_);
      }
    }
    resumed_ledger_ = std::exchange(progress_.ledger, {});
    first_step_ = progress_.step;
    evaluation_owed_ = first_step_ > 0 && !progress_.val_acc1 && EvaluationIsDue(first_step_);
    trainer_.emplace(spec_, *in_.sampler, training_state_->state(), *in_.engine, progress_.updates);
    return absl::OkStatus();
  }

  // Training from the beginning in place of what was saved is the user's decision.
  Status CheckNothingIsLost() const {
    const auto saved = run::LastSavedStep(files::FileSystem::Posix(), attempt_.folder.Events());
    if (!saved) return absl::OkStatus();
    return WithHint(
        absl::NotFoundError(absl::StrCat(attempt_.folder.Checkpoints(), ": no usable checkpoint, but step ", *saved, " was saved")),
        "bring the checkpoints back, or train from the beginning with --resume=never");
  }

  Status OpenOutputs(double seconds) {
    if (first()) {
      const int first_epoch = static_cast<int>(in_.sampler->EpochOfStep(first_step_ - evaluation_owed_));
      OutputsOptions options{&spec_,    in_.sampler, &attempt_,    world_.size(),      first_step_,
                             EndStep(), first_epoch, std::nullopt, progress_.val_acc1, progress_.val_acc1_ema};
      if (restored_) {
        options.recovery.emplace();
        options.recovery->set_source("disk");
        options.recovery->set_step(static_cast<int64_t>(first_step_));
        options.recovery->set_seconds(seconds);
      }
      auto opened = RunOutputs::Open(options);
      if (opened.ok()) outputs_ = *std::move(opened);
      else return training_state_->worker_group().Agree(WithExitCode(opened.status(), ExitCode::kRunFolder), "opening the run's files");
      Announce();
    }
    return training_state_->worker_group().Agree(absl::OkStatus(), "opening the run's files");
  }

  void Announce() {
    const std::string where =
        restored_ ? absl::StrCat("resumes at step ", first_step_, " of ", EndStep()) : absl::StrCat("starts, ", EndStep(), " steps");
    const std::string text = absl::StrCat("job ", attempt_.job_id, " ", spec_.name(), " attempt ", attempt_.number, " ", where, ", ",
                                          world_.size(), world_.size() == 1 ? " worker" : " workers", ", ", spec_.train().lanes(),
                                          " lanes, run folder ", attempt_.folder.path());
    LogInfo(text);
    outputs_->Event(restored_ ? v1::Event::JobResumed : v1::Event::JobStarted, text, first_step_);
    for (const std::string& text_of_set : checkpointer_->rejected())
      outputs_->Event(v1::Event::CheckpointRejected, text_of_set, first_step_);
    if (!numerics_changed_.empty()) outputs_->Event(v1::Event::NumericsChanged, numerics_changed_, first_step_);
    const int lanes = spec_.train().lanes(), workers = world_.size();
    const int steps_like = (lanes + workers - 1) / workers;  // lanes of the slowest worker
    const int enough = (lanes + steps_like - 1) / steps_like;
    if (enough < workers)
      LogInfo(
          absl::StrCat(workers, " workers run like ", enough, " at ", lanes, " lanes: a step takes as long as its worker with most lanes"));
  }

  Status Train() {
    const uint64_t end = EndStep();
    if (evaluation_owed_) {
      DEIT_ASSIGN_OR_RETURN(const bool finished, FinishEpoch(first_step_));
      if (!finished) return StopAt(first_step_);
    }
    if (first_step_ >= end) return CommonEnd(absl::OkStatus());
    data::LoaderOptions loading =
        data::LoaderOptionsOf(spec_, training_state_->worker_group().plan().LanesOf(world_.rank()), first_step_, end);
    loading.view_done = [this] { training_state_->worker_group().context().AddPiece(); };
    DEIT_ASSIGN_OR_RETURN(const auto loader, data::Loader::Start(*in_.sampler, *in_.train_views, loading));
    LoaderSource source(loader.get());
    for (uint64_t step = first_step_; step < end; ++step) {
      DEIT_ASSIGN_OR_RETURN(const StepDecision decision, TrainStep(step, source));
      if (decision.given_up) return StopAt(step);
      const bool stop = decision.stop && step + 1 < end;
      DEIT_ASSIGN_OR_RETURN(const bool finished, AfterStep(step + 1, stop));
      if (stop || !finished) return StopAt(step + 1);
    }
    return CommonEnd(unsaved_);
  }

  // When this worker was asked to stop, or saw that another was.
  absl::Duration StopRequestedAt() {
    if (stop_requested_ != absl::InfiniteDuration()) return stop_requested_;
    stop_requested_ = options_.stop_requested_at();
    exchange::WorkerReports& reports = *training_state_->worker_group().context().reports;
    if (stop_requested_ != absl::InfiniteDuration()) reports.Set(exchange::kStop, 1);
    else if (reports.Largest(exchange::kStop) > 0) stop_requested_ = Clock::System().Elapsed();
    return stop_requested_;
  }

  // How the step in progress is to end, as far as this worker knows.
  StepEnd DesiredEnd(absl::Duration step_began, bool last_allowed) {
    const absl::Duration asked = StopRequestedAt();
    if (asked == absl::InfiniteDuration()) return last_allowed ? StepEnd::kStopAfter : StepEnd::kGoOn;
    const StopTimes times{.asked = asked,
                          .grace = absl::Seconds(spec_.fault().stop_grace()),
                          .now = Clock::System().Elapsed(),
                          .step_began = step_began,
                          .step_takes = step_takes_,
                          .save_takes = save_takes_};
    return StepFits(times) ? StepEnd::kStopAfter : StepEnd::kGivenUp;
  }

  // All workers end so, and know it, between two steps.
  Status CommonEnd(const Status& end) {
    common_end_ = true;
    return end.ok() || exchange::AgreedFailureOf(end) ? end : exchange::AsAgreed(end);
  }

  // All workers come here together: `steps_done` steps are finished, and no other is to be. Only what was not saved yet is.
  Status StopAt(uint64_t steps_done) {
    if (steps_done != saved_step_) DEIT_RETURN_IF_ERROR(Save(steps_done));
    const std::string where = steps_done == 0 ? "before the first step" : absl::StrCat("after step ", steps_done - 1);
    if (outputs_) {
      const bool as_allowed = options_.stop_after_steps && steps_done - first_step_ >= *options_.stop_after_steps;
      const std::string cause = process::StopRequested() ? process::StopCause()
                                : as_allowed             ? "--stop_after_steps"
                                                         : "another worker was asked";
      outputs_->Event(v1::Event::StopRequested, absl::StrCat("stops ", where, ": ", cause), steps_done == 0 ? 0 : steps_done - 1);
    }
    if (!unsaved_.ok()) return CommonEnd(unsaved_);
    return CommonEnd(
        WithExitCode(absl::AbortedError(absl::StrCat("stopped ", where, ": everything is saved")), ExitCode::kStoppedAndSaved));
  }

  StatusOr<StepDecision> TrainStep(uint64_t step, BatchSource& source) {
    const absl::Duration start = Clock::System().Elapsed();
    const double data_before = trainer_->times().data;
    const bool last_allowed = options_.stop_after_steps && step + 1 - first_step_ >= *options_.stop_after_steps;
    DEIT_ASSIGN_OR_RETURN(const StepResult result, trainer_->Step(step, source, [&] { return DesiredEnd(start, last_allowed); }));
    if (result.decision.given_up) return result.decision;
    step_takes_ = Clock::System().Elapsed() - start;
    const double seconds = absl::ToDoubleSeconds(step_takes_);
    progress_.train_seconds += seconds;
    progress_.skipped_in_a_row = result.decision.finite ? 0 : progress_.skipped_in_a_row + 1;
    if (!result.decision.finite) DEIT_RETURN_IF_ERROR(NonFinite(step, result.decision));
    progress_.step = step + 1;
    progress_.updates = trainer_->updates_done();
    progress_.views_replaced += result.decision.mean.replaced;
    worker_progress_.StepDone(step + 1, seconds, absl::Now());
    if (outputs_) outputs_->StepDone(step, result, seconds, trainer_->times().data - data_before);
    return result.decision;
  }

  // All workers come here together: the decision is everybody's.
  Status NonFinite(uint64_t step, const StepDecision& decision) {
    const std::string text = decision.first_bad_lane >= 0
                                 ? absl::StrCat("loss of step ", step, ", lane ", decision.first_bad_lane, ": not finite")
                                 : absl::StrCat("gradient of step ", step, ": norm ", decision.gradient_norm, ": not finite");
    const char* const hint = "lower optimizer.lr, set optimizer.clip_grad, or begin again from an earlier checkpoint";
    if (spec_.train().non_finite() != v1::TrainSpec::SKIP) {
      return CommonEnd(WithHint(WithExitCode(absl::OutOfRangeError(text), ExitCode::kNonFinite),
                                "lower optimizer.lr, set optimizer.clip_grad, or skip such steps: train.non_finite=SKIP"));
    }
    if (progress_.skipped_in_a_row >= spec_.fault().max_skipped_steps()) {
      const std::string all = absl::StrCat(text, ": ", progress_.skipped_in_a_row, " steps skipped in a row, fault.max_skipped_steps");
      return CommonEnd(WithHint(WithExitCode(absl::OutOfRangeError(all), ExitCode::kNonFinite), hint));
    }
    if (outputs_) outputs_->Event(v1::Event::StepSkipped, text, step);
    if (first()) LogWarning(absl::StrCat(text, ": step skipped"));
    return absl::OkStatus();
  }

  // First the checkpoint, then the evaluation, so that a kill while evaluating costs no step, and the checkpoint can be noted as the best.
  // A stop does not wait for an evaluation: the next attempt begins with it. False: a stop came while it evaluated.
  StatusOr<bool> AfterStep(uint64_t steps_done, bool stop) {
    progress_.val_acc1.reset();
    progress_.val_acc1_ema.reset();
    const uint64_t every_steps = static_cast<uint64_t>(spec_.checkpoint().every_steps());
    const bool save_is_due = every_steps > 0 ? steps_done % every_steps == 0 : in_.sampler->EndsEpoch(steps_done - 1);
    if (save_is_due || stop || EvaluationIsDue(steps_done)) DEIT_RETURN_IF_ERROR(Save(steps_done));
    if (stop && EvaluationIsDue(steps_done)) return true;
    return FinishEpoch(steps_done);
  }

  // Where a multiple of evaluate.every_epochs ends with the step, of which several may where steps span epochs, and at the job's end.
  bool EvaluationIsDue(uint64_t steps_done) const {
    const uint64_t every_epochs = static_cast<uint64_t>(spec_.evaluate().every_epochs());
    const auto evaluations = [&](uint64_t steps) { return every_epochs == 0 ? 0 : in_.sampler->EpochOfStep(steps) / every_epochs; };
    return evaluations(steps_done) > evaluations(steps_done - 1) || steps_done == EndStep();
  }

  // The evaluation, where one is due, and what the run folder says of an epoch that ends here. False: given up, since a stop was requested.
  StatusOr<bool> FinishEpoch(uint64_t steps_done) {
    std::optional<Evaluation> evaluation;
    if (EvaluationIsDue(steps_done)) {
      auto evaluated = EvaluateAll();
      if (absl::IsCancelled(evaluated.status()) && exchange::AgreedFailureOf(evaluated.status())) return false;
      DEIT_ASSIGN_OR_RETURN(evaluation, std::move(evaluated));
      progress_.val_acc1 = Percent(evaluation->weights.correct_fused, evaluation->weights.images);
      if (const auto& averages = evaluation->averages) progress_.val_acc1_ema = Percent(averages->correct_fused, averages->images);
      checkpointer_->RecordAccuracy(steps_done, *progress_.val_acc1, progress_.val_acc1_ema);
    }
    if (outputs_ && (evaluation || in_.sampler->EndsEpoch(steps_done - 1))) {
      outputs_->EpochDone(in_.sampler->EpochOfStep(steps_done - 1), steps_done, evaluation);
    }
    return true;
  }

  StatusOr<Evaluation> EvaluateAll() {
    const auto leave = [this] { return StopRequestedAt() != absl::InfiniteDuration(); };
    Evaluation evaluation;
    DEIT_ASSIGN_OR_RETURN(evaluation.weights, Evaluate(*evaluation_, *in_.engine, training_state_->worker_group(), leave));
    if (training_state_->state().owned->has_ema()) {
      DEIT_ASSIGN_OR_RETURN(evaluation.averages, EvaluateAverages(*evaluation_, *in_.engine, training_state_->state(), leave));
    }
    return evaluation;
  }

  // A save that fails is said, and does not stop training; only an end without a durable checkpoint does, or a peer that is lost.
  Status Save(uint64_t steps_done) {
    if (outputs_) outputs_->Sync();
    state::JobProgress mine = progress_;
    mine.ledger = trainer_->ledger();
    if (first()) mine.ledger.Merge(resumed_ledger_);
    const absl::Duration start = Clock::System().Elapsed();
    const auto saved = checkpointer_->Save(mine, in_.sampler->EpochsAt(steps_done));
    if (collective::IsPeerFailure(saved.status()) || ExitCodeOf(saved.status()) == ExitCode::kRunFolder) return saved.status();
    unsaved_ = saved.status();
    if (saved.ok()) saved_step_ = steps_done;
    save_takes_ = std::max(save_takes_.value_or(absl::ZeroDuration()), Clock::System().Elapsed() - start);
    if (!saved.ok() && first()) LogWarning(absl::StrCat(saved.status().message(), ": training goes on with the older one"));
    if (outputs_) {
      outputs_->Event(saved.ok() ? v1::Event::CheckpointCommitted : v1::Event::CheckpointFailed,
                      saved.ok() ? absl::StrCat("step ", steps_done, " saved") : std::string(saved.status().message()), steps_done);
    }
    return absl::OkStatus();
  }

  // Collective where all workers came to the same end between two steps; otherwise only this worker's own files are written.
  Status End(const Status& trained) {
    v1::AttemptResult result;
    result.set_first_step(static_cast<int64_t>(first_step_));
    result.set_steps_executed(static_cast<int64_t>(progress_.step - first_step_));
    result.set_epochs(std::min(spec_.train().epochs(), static_cast<int32_t>(std::floor(in_.sampler->EpochsAt(progress_.step)))));
    result.set_numerics_fingerprint(fingerprint_);
    result.set_views_replaced(progress_.views_replaced);
    std::string weights_digest;
    if (common_end_) {
      DEIT_RETURN_IF_ERROR(GatherTotals(&result));
      DEIT_ASSIGN_OR_RETURN(const uint64_t state_digest, state::StateDigest(training_state_->state()));
      weights_digest = DigestHex(state::WeightsDigest(training_state_->state()));
      result.set_weights_digest(weights_digest);
      result.set_state_digest(DigestHex(state_digest));
    }
    if (outputs_) outputs_->End(result, trained);
    if (first() && trained.ok()) {
      PrintLine(metrics::FinishedLine(static_cast<int64_t>(progress_.step), result.epochs(), progress_.val_acc1.value_or(std::nan("")),
                                      weights_digest));
    }
    training_state_->worker_group().context().Report(exchange::Phase::kEnd);
    return trained;
  }

  Status GatherTotals(v1::AttemptResult* result) {
    const auto share = [&](int64_t mine) {
      return training_state_->worker_group().ShareNumbers(static_cast<uint64_t>(mine), "the summary");
    };
    DEIT_ASSIGN_OR_RETURN(const auto lanes, share(trainer_->lanes_computed()));
    DEIT_ASSIGN_OR_RETURN(const auto bytes, share(training_state_->state().owned->bytes()));
    DEIT_ASSIGN_OR_RETURN(const auto sent, share(trainer_->bytes_sent()));
    DEIT_ASSIGN_OR_RETURN(const auto forwards, share(in_.engine->teacher_forwards()));
    int64_t teacher_forwards = 0;
    for (size_t w = 0; w < lanes.size(); ++w) {
      v1::WorkerTotals* totals = result->add_workers();
      totals->set_lanes_computed(static_cast<int64_t>(lanes[w]));
      totals->set_optimizer_state_bytes(static_cast<int64_t>(bytes[w]));
      totals->set_bytes_sent(static_cast<int64_t>(sent[w]));
      teacher_forwards += static_cast<int64_t>(forwards[w]);
    }
    result->set_teacher_forwards(teacher_forwards);
    return absl::OkStatus();
  }

  collective::Communicator& world_;
  const Attempt& attempt_;
  const JobInputs& in_;
  const v1::JobSpec& spec_;
  const JobOptions options_;
  control::WorkerProgress& worker_progress_;
  const collective::Deadline deadline_;
  std::string fingerprint_;
  std::string numerics_changed_;  // since the checkpoint was saved; empty: not
  std::unique_ptr<TrainingState> training_state_;
  std::optional<data::EvaluationChunks> evaluation_;
  std::optional<checkpoint::Checkpointer> checkpointer_;
  std::optional<checkpoint::Restored> restored_;
  std::optional<Trainer> trainer_;
  std::unique_ptr<RunOutputs> outputs_;  // worker 0 only
  state::JobProgress progress_;
  plan::Ledger resumed_ledger_;
  uint64_t first_step_ = 0;
  bool evaluation_owed_ = false;  // of first_step_: the attempt that trained up to it was stopped or killed before
  Status unsaved_;                // why the latest save failed
  uint64_t saved_step_ = 0;       // the latest that needs no save: it has a checkpoint, or is the beginning
  absl::Duration stop_requested_ = absl::InfiniteDuration();
  absl::Duration step_takes_ = absl::InfiniteDuration();  // the last one
  std::optional<absl::Duration> save_takes_;              // the longest
  bool common_end_ = false;
};

}  // namespace

Status RunJob(collective::Communicator& world, const Attempt& attempt, const JobInputs& inputs, const JobOptions& options,
              control::WorkerProgress& worker_progress) {
  return Job(world, attempt, inputs, options, worker_progress).Run();
}

}  // namespace deit::train
