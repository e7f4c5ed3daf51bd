#include "worker/checkpoint/checkpointer.h"

#include <utility>
#include <vector>

#include "common/base/digest.h"
#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/checkpoint/retention.h"
#include "common/checkpoint/tensor_catalog.h"
#include "worker/checkpoint/counted_file_system.h"
#include "worker/exchange/agreement.h"
#include "worker/state/state_digest.h"

namespace deit::checkpoint {
namespace {

using checkpoint::Dtype;
using checkpoint::ShardFile;
using checkpoint::TensorKind;
using models::TensorRole;

std::vector<uint64_t> Unsigned(const std::vector<int64_t>& shape) { return {shape.begin(), shape.end()}; }

// Whole tensors of the model that `worker` writes.
ShardFile ModelPart(const state::JobState& state, int worker, int workers) {
  std::vector<uint64_t> bytes;
  for (const auto& tensor : *state.tensors) bytes.push_back(static_cast<uint64_t>(tensor.size()) * sizeof(float));
  const std::vector<int> writer = checkpoint::AssignTensors(bytes, workers);
  ShardFile file{TensorKind::kModel, {}};
  size_t parameter = 0;
  for (size_t t = 0; t < state.tensors->size(); ++t) {
    const models::TensorSpec& tensor = (*state.tensors)[t];
    const void* data = nullptr;
    if (tensor.role == TensorRole::kParameter) data = state.worker_group->memory().weights() + state.grid->tensors()[parameter++].offset;
    else if (tensor.role == TensorRole::kBatchesTracked) data = &state.buffers->batches_tracked;
    else data = state.buffers->values() + state.buffers->offset_of(static_cast<int>(t));
    if (writer[t] != worker) continue;
    const bool count = tensor.role == TensorRole::kBatchesTracked;
    file.tensors.push_back({tensor.name, count ? Dtype::kI64 : Dtype::kF32, Unsigned(tensor.shape), data,
                            static_cast<uint64_t>(tensor.size()) * (count ? sizeof(int64_t) : sizeof(float))});
  }
  return file;
}

// This worker's blocks of one kind of optimizer state, as fragments.
ShardFile Fragments(const state::JobState& state, TensorKind kind, const float* packed) {
  ShardFile file{kind, {}};
  for (const state::OwnedBlock& b : state.owned->blocks()) {
    const plan::TensorPlace& place = state.grid->tensors()[static_cast<size_t>(b.tensor)];
    const uint64_t count = static_cast<uint64_t>(b.count);
    file.tensors.push_back({checkpoint::FragmentName(place.name, static_cast<uint64_t>(b.offset - place.offset)),
                            Dtype::kF32,
                            {count},
                            packed + b.local,
                            count * sizeof(float)});
  }
  return file;
}

void AddBufferAverages(const state::JobState& state, ShardFile* ema) {
  for (size_t t = 0; t < state.tensors->size(); ++t) {
    const int64_t offset = state.buffers->offset_of(static_cast<int>(t));
    if (offset < 0) continue;
    const uint64_t count = static_cast<uint64_t>((*state.tensors)[t].size());
    ema->tensors.push_back({checkpoint::FragmentName((*state.tensors)[t].name, 0),
                            Dtype::kF32,
                            {count},
                            state.buffers->ema() + offset,
                            count * sizeof(float)});
  }
}

std::vector<v1::LedgerEntry> ToProto(const plan::Ledger& ledger) {
  std::vector<v1::LedgerEntry> entries;
  for (const plan::LedgerEntry& entry : ledger.Entries()) {
    v1::LedgerEntry& proto = entries.emplace_back();
    proto.set_epoch(static_cast<int64_t>(entry.epoch));
    proto.set_count(entry.count);
    proto.set_sum(entry.sum);
  }
  return entries;
}

// The checkpoint is good, but its tensors must be those of this job's model and optimizer: after --allow_config_change they may not be.
Status CheckSameModel(const checkpoint::TensorCatalog& catalog, const state::JobState& state) {
  const std::vector<models::TensorSpec>& tensors = *state.tensors;
  for (const TensorKind kind : state.owned->kinds()) {
    if (kind == TensorKind::kEma || !catalog.tensors(kind).empty()) continue;
    return WithHint(WithExitCode(absl::FailedPreconditionError(absl::StrCat("is of another optimizer: has no ", checkpoint::Name(kind))),
                                 ExitCode::kRunFolder),
                    "choose another run_dir and begin with model.init_from=CHECKPOINT, or give the job its old optimizer.opt");
  }
  std::string difference;
  for (const models::TensorSpec& tensor : tensors) {
    const auto* saved = catalog.Find(TensorKind::kModel, tensor.name);
    if (saved && saved->shape == Unsigned(tensor.shape)) continue;
    difference = absl::StrCat(tensor.name, saved ? ": has another shape" : ": is not in it");
    break;
  }
  const size_t saved_tensors = catalog.tensors(TensorKind::kModel).size();
  if (difference.empty() && saved_tensors != tensors.size()) {
    difference = absl::StrCat(saved_tensors, " tensors: this job's model has ", tensors.size());
  }
  if (difference.empty()) return absl::OkStatus();
  return WithHint(WithExitCode(absl::FailedPreconditionError(absl::StrCat("is of another model: ", difference)), ExitCode::kRunFolder),
                  "choose another run_dir, start fresh with --resume=never, or give the model its old sizes");
}

state::JobProgress ProgressOf(const v1::CheckpointManifest& manifest) {
  state::JobProgress progress;
  progress.step = static_cast<uint64_t>(manifest.step());
  progress.updates = manifest.adam_steps();
  progress.skipped_in_a_row = manifest.skipped_in_a_row();
  if (manifest.has_val_acc1()) progress.val_acc1 = manifest.val_acc1();
  if (manifest.has_val_acc1_ema()) progress.val_acc1_ema = manifest.val_acc1_ema();
  progress.train_seconds = manifest.train_seconds();
  progress.views_replaced = static_cast<int64_t>(manifest.views_replaced());
  std::vector<plan::LedgerEntry> entries;
  for (const v1::LedgerEntry& entry : manifest.ledger())
    entries.push_back({static_cast<uint64_t>(entry.epoch()), entry.count(), entry.sum()});
  progress.ledger = plan::Ledger(entries);
  return progress;
}

}  // namespace

Checkpointer::Checkpointer(const state::JobState& state, CheckpointerOptions options) : state_(state), options_(std::move(options)) {
  const exchange::Context* const context = &state_.worker_group->context();
  counted_ = std::make_unique<CountedFileSystem>(options_.fs, [context] { context->AddPiece(); });
  options_.fs = counted_.get();
}

Status Checkpointer::Agree(const Status& mine, absl::string_view what) const { return state_.worker_group->Agree(mine, what); }

StatusOr<std::string> Checkpointer::Save(const state::JobProgress& progress, double epoch) {
  auto saved = SaveAll(progress, epoch);
  if (saved.ok() || collective::IsPeerFailure(saved.status()) || ExitCodeOf(saved.status()) == ExitCode::kRunFolder) return saved;
  return WithExitCode(Annotate(saved.status(), absl::StrCat("checkpoint of step ", progress.step)), ExitCode::kNotSaved);
}

StatusOr<std::string> Checkpointer::SaveAll(const state::JobProgress& progress, double epoch) {
  exchange::Context& context = state_.worker_group->context();
  context.Report(exchange::Phase::kCheckpoint);
  const int64_t step = static_cast<int64_t>(progress.step);
  v1::CheckpointManifest about;
  DEIT_ASSIGN_OR_RETURN(const uint64_t state_digest, state::StateDigest(state_));
  const uint64_t weights_digest = state::WeightsDigest(state_);
  about.set_epoch(epoch);
  about.set_job_id(options_.job_id);
  about.set_spec_digest(options_.spec_digest);
  about.set_numerics_fingerprint(options_.numerics_fingerprint);
  about.set_weights_digest(DigestHex(weights_digest));
  about.set_state_digest(DigestHex(state_digest));
  about.set_adam_steps(progress.updates);
  if (progress.skipped_in_a_row > 0) about.set_skipped_in_a_row(progress.skipped_in_a_row);
  about.set_train_seconds(progress.train_seconds);
  about.set_views_replaced(static_cast<uint64_t>(progress.views_replaced));

  StatusOr<checkpoint::Prepared> prepared = checkpoint::Prepared::kReady;
  const auto prepare = [&]() -> StatusOr<checkpoint::Prepared> {
    DEIT_RETURN_IF_ERROR(options_.check_current());
    return checkpoint::PrepareCheckpoint(*options_.fs, options_.root, step);
  };
  if (first()) prepared = prepare();
  if (prepared.ok() && *prepared == checkpoint::Prepared::kSavedAlready) {
    auto there = checkpoint::ReadManifest(*options_.fs, checkpoint::CheckpointPath(options_.root, step));
    if (!there.ok()) prepared = there.status();
    else if (there->weights_digest() != about.weights_digest())
      prepared = absl::FailedPreconditionError(absl::StrCat("a checkpoint with other weights is there: ", there->weights_digest()));
  }
  DEIT_RETURN_IF_ERROR(Agree(prepared.status(), "preparing a checkpoint"));
  const uint64_t already = prepared.ok() && *prepared == checkpoint::Prepared::kSavedAlready;
  DEIT_ASSIGN_OR_RETURN(const auto answers, state_.worker_group->ShareNumbers(already, "preparing a checkpoint"));
  if (answers[0]) return about.weights_digest();

  const checkpoint::Save save{options_.root, step, options_.nonce, context.worker(), context.plan->topology().workers()};
  DEIT_RETURN_IF_ERROR(Agree(WriteOwnShard(save, progress), "writing a checkpoint"));
  Status committed;
  if (first()) {
    committed = options_.check_current();
    if (committed.ok())
      committed = checkpoint::CommitCheckpoint(*options_.fs, *options_.clock, save, about, options_.commit_limit).status();
    if (committed.ok()) Prune();
  }
  DEIT_RETURN_IF_ERROR(Agree(committed, "committing a checkpoint"));
  return about.weights_digest();
}

void Checkpointer::RecordAccuracy(uint64_t step, double val_acc1, std::optional<double> val_acc1_ema) {
  if (!first()) return;
  const Status recorded = checkpoint::RecordAccuracy(*options_.fs, options_.root, static_cast<int64_t>(step), val_acc1, val_acc1_ema);
  if (recorded.ok()) Prune();  // another checkpoint may be the best now
  else if (!absl::IsNotFound(recorded))
    LogWarning(absl::StrCat("checkpoint of step ", step, ": without its accuracy: ", recorded.message()));
}

void Checkpointer::Prune() {
  const auto pruned =
      checkpoint::PruneCheckpoints(*options_.fs, options_.root, options_.keep, checkpoint::Unfinished::kMayBeWritten, options_.best_by);
  if (!pruned.ok()) LogWarning(absl::StrCat("old checkpoints stay: ", pruned.status().message()));
}

Status Checkpointer::WriteOwnShard(const checkpoint::Save& save, const state::JobProgress& progress) {
  std::vector<ShardFile> shard_files = {ModelPart(state_, save.worker, save.workers)};
  for (const TensorKind kind : state_.owned->kinds()) shard_files.push_back(Fragments(state_, kind, state_.owned->values(kind)));
  if (state_.owned->has_ema() && first()) AddBufferAverages(state_, &shard_files.back());
  std::erase_if(shard_files, [](const ShardFile& file) { return file.tensors.empty(); });
  return checkpoint::WriteShard(*options_.fs, save, shard_files, ToProto(progress.ledger));
}

StatusOr<std::optional<Restored>> Checkpointer::Restore() {
  for (;;) {
    DEIT_ASSIGN_OR_RETURN(const std::optional<uint64_t> step, NewestStep());
    if (!step) return std::nullopt;
    const std::string folder = checkpoint::CheckpointPath(options_.root, static_cast<int64_t>(*step));
    // Each worker's own verdict counts: one that cannot read or load a checkpoint keeps all from using it.
    Status verdict = Agree(SeenHere(Verify(folder)), "verifying a checkpoint");
    if (verdict.ok()) {
      auto restored = Load(folder);
      verdict = Agree(restored.status(), "loading a checkpoint");
      if (verdict.ok()) return *std::move(restored);
    }
    if (ExitCodeOf(verdict) == ExitCode::kStoppedAndSaved) return verdict;
    if (!checkpoint::IsDamaged(verdict)) return Annotate(verdict, folder);
    state_.owned->Reset();
    state_.buffers->Reset();
    DEIT_RETURN_IF_ERROR(
        Agree(first() ? Reject(static_cast<int64_t>(*step), verdict.message()) : absl::OkStatus(), "setting a checkpoint aside"));
  }
}

Status Checkpointer::Reject(int64_t step, absl::string_view reason) {
  DEIT_ASSIGN_OR_RETURN(const std::string aside, checkpoint::Quarantine(*options_.fs, options_.root, step, reason));
  rejected_.push_back(absl::StrCat("checkpoint of step ", step, " is not used: ", reason, ": moved to ", aside));
  LogWarning(rejected_.back());
  return absl::OkStatus();
}

// Of the newest checkpoint that looks complete; damaged ones before it are set aside. Worker 0 looks, all hear.
StatusOr<std::optional<uint64_t>> Checkpointer::NewestStep() {
  uint64_t newest = 0;  // step + 1
  const auto look = [&]() -> Status {
    DEIT_ASSIGN_OR_RETURN(const auto listed, checkpoint::ListCheckpoints(*options_.fs, options_.root));
    for (auto entry = listed.rbegin(); entry != listed.rend() && newest == 0; ++entry) {
      switch (entry->state) {
        case checkpoint::CheckpointState::kComplete: newest = static_cast<uint64_t>(entry->step) + 1; break;
        case checkpoint::CheckpointState::kIncomplete:  // a dead attempt's; removed before the next save
          LogWarning(absl::StrCat("checkpoint of step ", entry->step, " is not used: ", entry->reason));
          break;
        case checkpoint::CheckpointState::kUnreadable: return absl::PermissionDeniedError(absl::StrCat(entry->path, ": ", entry->reason));
        case checkpoint::CheckpointState::kDamaged: DEIT_RETURN_IF_ERROR(Reject(entry->step, entry->reason));
      }
    }
    return absl::OkStatus();
  };
  DEIT_RETURN_IF_ERROR(Agree(first() ? look() : absl::OkStatus(), "looking for checkpoints"));
  DEIT_ASSIGN_OR_RETURN(const auto answers, state_.worker_group->ShareNumbers(newest, "looking for checkpoints"));
  return answers[0] == 0 ? std::nullopt : std::optional<uint64_t>(answers[0] - 1);
}

// Worker 0 has just seen the whole checkpoint: a worker that does not find it looks elsewhere, which proves no damage.
Status Checkpointer::SeenHere(const Status& status) const {
  if (first() || !absl::IsNotFound(status)) return status;
  const exchange::Context& context = state_.worker_group->context();
  const std::string& host = context.world->hosts()[static_cast<size_t>(context.worker())];
  return WithHint(
      WithExitCode(absl::FailedPreconditionError(absl::StrCat(status.message(), ": not seen on host ", host, ", but by worker 0")),
                   ExitCode::kMissingInput),
      "give all workers the same run folder: on a file system that all hosts share, under the same path");
}

// This worker's share of the set's files.
Status Checkpointer::Verify(const std::string& set) const {
  const exchange::Context& context = state_.worker_group->context();
  DEIT_ASSIGN_OR_RETURN(const auto manifest, checkpoint::ReadManifest(*options_.fs, set));
  for (int f = context.worker(); f < manifest.files_size(); f += context.plan->topology().workers()) {
    DEIT_RETURN_IF_ERROR(options_.interrupted());
    DEIT_RETURN_IF_ERROR(checkpoint::VerifyFile(*options_.fs, set, manifest.files(f)));
  }
  return absl::OkStatus();
}

StatusOr<Restored> Checkpointer::Load(const std::string& set) {
  const absl::Duration start = options_.clock->Elapsed();
  auto read = [&]() -> StatusOr<std::pair<v1::CheckpointManifest, checkpoint::TensorCatalog>> {
    DEIT_ASSIGN_OR_RETURN(auto manifest, checkpoint::ReadManifest(*options_.fs, set));
    DEIT_ASSIGN_OR_RETURN(auto catalog, checkpoint::TensorCatalog::Open(*options_.fs, set, manifest));
    return std::make_pair(std::move(manifest), std::move(catalog));
  }();
  DEIT_RETURN_IF_ERROR(Agree(SeenHere(read.status()), "opening a checkpoint"));
  const v1::CheckpointManifest& manifest = read->first;
  const checkpoint::TensorCatalog& catalog = read->second;
  DEIT_RETURN_IF_ERROR(CheckSameModel(catalog, state_));
  const Status filled = state::FillWeights(state_, [&](size_t t, float* out) -> Status {
    DEIT_RETURN_IF_ERROR(options_.interrupted());
    const models::TensorSpec& tensor = (*state_.tensors)[t];
    return catalog.ReadRange(TensorKind::kModel, tensor.name, 0, static_cast<uint64_t>(tensor.size()), out);
  });
  DEIT_RETURN_IF_ERROR(filled);
  const bool ema = state_.owned->has_ema() && !catalog.tensors(TensorKind::kEma).empty();
  for (const state::OwnedBlock& b : state_.owned->blocks()) {
    DEIT_RETURN_IF_ERROR(options_.interrupted());
    state_.worker_group->context().AddPiece();
    const plan::TensorPlace& place = state_.grid->tensors()[static_cast<size_t>(b.tensor)];
    const uint64_t begin = static_cast<uint64_t>(b.offset - place.offset), count = static_cast<uint64_t>(b.count);
    for (const TensorKind kind : state_.owned->kinds()) {
      if (kind == TensorKind::kEma && !ema) continue;
      DEIT_RETURN_IF_ERROR(catalog.ReadRange(kind, place.name, begin, count, state_.owned->values(kind) + b.local));
    }
  }
  for (size_t t = 0; t < state_.tensors->size(); ++t) {
    const models::TensorSpec& tensor = (*state_.tensors)[t];
    const int64_t offset = state_.buffers->offset_of(static_cast<int>(t));
    const uint64_t count = static_cast<uint64_t>(tensor.size());
    if (tensor.role == TensorRole::kBatchesTracked) {
      DEIT_RETURN_IF_ERROR(catalog.ReadRange(TensorKind::kModel, tensor.name, Dtype::kI64, 0, 1, &state_.buffers->batches_tracked));
    } else if (offset >= 0) {
      DEIT_RETURN_IF_ERROR(catalog.ReadRange(TensorKind::kModel, tensor.name, 0, count, state_.buffers->values() + offset));
      if (ema) DEIT_RETURN_IF_ERROR(catalog.ReadRange(TensorKind::kEma, tensor.name, 0, count, state_.buffers->ema() + offset));
    }
  }
  if (!ema) state_.buffers->StartEma();  // an EMA that begins here begins at what was read
  const std::string digest = DigestHex(state::WeightsDigest(state_));
  if (digest != manifest.weights_digest()) {
    return absl::DataLossError(absl::StrCat("weights digest ", digest, ": the manifest says ", manifest.weights_digest()));
  }
  return Restored{ProgressOf(manifest), manifest.spec_digest(), manifest.numerics_fingerprint(),
                  absl::ToDoubleSeconds(options_.clock->Elapsed() - start)};
}

}  // namespace deit::checkpoint
