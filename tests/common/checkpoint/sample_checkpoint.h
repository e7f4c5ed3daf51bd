// A small model's state that any number of workers can write and any number can read: values are a function of tensor, kind, step
// and element, so that a reader knows what it must find.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/checkpoint/checkpoint_reader.h"
#include "common/checkpoint/checkpoint_writer.h"
#include "common/checkpoint/tensor_catalog.h"
#include "common/files/operations.h"

namespace deit::checkpoint {

struct SampleTensor {
  const char* name;
  std::vector<uint64_t> shape;
  uint64_t elements() const { return *ElementCount(shape); }
};

inline const std::vector<SampleTensor>& SampleTensors() {
  static const std::vector<SampleTensor> tensors = {{"cls_token", {1, 1, 8}},
                                                    {"blocks.0.attn.qkv.weight", {24, 8}},
                                                    {"blocks.0.attn.qkv.bias", {24}},
                                                    {"norm.weight", {8}},
                                                    {"head.weight", {10, 8}}};
  return tensors;
}

inline float SampleValue(TensorKind kind, size_t tensor, int64_t step, uint64_t element) {
  return static_cast<float>(element) + 1000.f * static_cast<float>(tensor) + 1e4f * static_cast<float>(kind) +
         1e5f * static_cast<float>(step);
}

// The memory behind one worker's part.
struct SampleShard {
  std::vector<std::vector<float>> values;
  std::vector<ShardFile> files;
  std::vector<v1::LedgerEntry> ledger;
};

// Whole tensors spread by AssignTensors, and the w-th part of all elements as fragments. Each worker adds one view of epoch 0.
inline SampleShard MakeShard(int64_t step, int worker, int workers) {
  SampleShard part;
  std::vector<uint64_t> bytes;
  uint64_t total = 0;
  for (const SampleTensor& tensor : SampleTensors()) {
    bytes.push_back(4 * tensor.elements());
    total += tensor.elements();
  }
  const std::vector<int> writer_of = AssignTensors(bytes, workers);
  const uint64_t from = total * static_cast<uint64_t>(worker) / static_cast<uint64_t>(workers);
  const uint64_t to = total * static_cast<uint64_t>(worker + 1) / static_cast<uint64_t>(workers);
  for (TensorKind kind : kAllKinds) {
    ShardFile file{.kind = kind, .tensors = {}};
    uint64_t at = 0;
    for (size_t i = 0; i < SampleTensors().size(); ++i) {
      const SampleTensor& tensor = SampleTensors()[i];
      const bool whole = kind == TensorKind::kModel;
      const uint64_t begin = whole ? 0 : std::clamp(from, at, at + tensor.elements()) - at;
      const uint64_t end = whole ? tensor.elements() : std::clamp(to, at, at + tensor.elements()) - at;
      at += tensor.elements();
      if (begin == end || (whole && writer_of[i] != worker)) continue;
      std::vector<float>& values = part.values.emplace_back();
      for (uint64_t e = begin; e < end; ++e) values.push_back(SampleValue(kind, i, step, e));
      file.tensors.push_back({.name = whole ? tensor.name : FragmentName(tensor.name, begin),
                              .dtype = Dtype::kF32,
                              .shape = whole ? tensor.shape : std::vector<uint64_t>{end - begin},
                              .data = nullptr,
                              .bytes = 4 * (end - begin)});
    }
    part.files.push_back(std::move(file));
  }
  size_t next = 0;
  for (ShardFile& file : part.files) {
    for (TensorData& tensor : file.tensors) tensor.data = part.values[next++].data();
  }
  v1::LedgerEntry& entry = part.ledger.emplace_back();
  entry.set_epoch(0);
  entry.set_count(1);
  entry.set_sum(UINT64_MAX - static_cast<uint64_t>(worker));  // wraps around
  return part;
}

// A clock that only sleeping moves.
class SteppingClock final : public Clock {
 public:
  absl::Time Now() override { return absl::FromUnixSeconds(1'700'000'000) + elapsed_; }
  absl::Duration Elapsed() override { return elapsed_; }
  void Sleep(absl::Duration duration) override { elapsed_ += duration; }

 private:
  absl::Duration elapsed_;
};

inline Save SampleSave(int64_t step, const std::string& nonce, int worker, int workers) {
  return {.root = "/run/checkpoints", .step = step, .nonce = nonce, .worker = worker, .workers = workers};
}

// One whole save: `fs[w]` is worker w's file system. The first failure, of whichever worker, is returned; others go on as they would.
inline Status SaveSample(const std::vector<files::FileSystem*>& fs, int64_t step, const std::string& nonce, double val_acc1 = -1) {
  const int workers = static_cast<int>(fs.size());
  DEIT_ASSIGN_OR_RETURN(Prepared prepared, PrepareCheckpoint(*fs[0], "/run/checkpoints", step));
  if (prepared == Prepared::kSavedAlready) return absl::OkStatus();
  Status first;
  for (int w = workers - 1; w >= 0; --w) {
    SampleShard part = MakeShard(step, w, workers);
    first.Update(WriteShard(*fs[static_cast<size_t>(w)], SampleSave(step, nonce, w, workers), part.files, part.ledger));
  }
  SteppingClock clock;
  v1::CheckpointManifest about;
  about.set_job_id("0123abcd");
  about.set_spec_digest("00000000000000aa");
  if (val_acc1 >= 0) about.set_val_acc1(val_acc1);
  first.Update(CommitCheckpoint(*fs[0], clock, SampleSave(step, nonce, 0, workers), about, absl::Seconds(10)).status());
  return first;
}

inline Status SaveSample(files::FileSystem& fs, int workers, int64_t step, const std::string& nonce, double val_acc1 = -1) {
  return SaveSample(std::vector<files::FileSystem*>(static_cast<size_t>(workers), &fs), step, nonce, val_acc1);
}

// OK if the set verifies and every element of every kind is what MakeShard wrote.
inline Status CheckSample(files::FileSystem& fs, int64_t step) {
  const std::string folder = CheckpointPath("/run/checkpoints", step);
  DEIT_ASSIGN_OR_RETURN(v1::CheckpointManifest manifest, VerifyCheckpoint(fs, folder));
  DEIT_ASSIGN_OR_RETURN(TensorCatalog catalog, TensorCatalog::Open(fs, folder, manifest));
  for (TensorKind kind : kAllKinds) {
    for (size_t i = 0; i < SampleTensors().size(); ++i) {
      std::vector<float> values(SampleTensors()[i].elements());
      DEIT_RETURN_IF_ERROR(catalog.ReadRange(kind, SampleTensors()[i].name, 0, values.size(), values.data()));
      for (uint64_t e = 0; e < values.size(); ++e) {
        if (values[e] != SampleValue(kind, i, step, e))
          return absl::InternalError(absl::StrCat("wrong value: ", SampleTensors()[i].name, " ", e));
      }
    }
  }
  return absl::OkStatus();
}

// The newest step that a resuming job would use: complete, verified, right values. -1: none.
inline int64_t NewestGood(files::FileSystem& fs) {
  auto sets = ListCheckpoints(fs, "/run/checkpoints");
  if (!sets.ok()) return -2;
  for (auto set = sets->rbegin(); set != sets->rend(); ++set) {
    if (set->state == CheckpointState::kComplete && CheckSample(fs, set->step).ok()) return set->step;
  }
  return -1;
}

}  // namespace deit::checkpoint
