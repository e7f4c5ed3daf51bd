// File names inside a checkpoints folder, and the assignment of tensors to writers.
//   ROOT/step_00000120/manifest.json            the checkpoint is complete
//   ROOT/step_00000120/model_00.safetensors     whole tensors, by timm's names, spread over the writers (00: the writer)
//   ROOT/step_00000120/exp_avg_00.safetensors   fragments NAME@OFFSET (elements), one dimension; also exp_avg_sq_00, momentum_buffer_00, ema_00
//   ROOT/step_00000120/part_00.NONCE.json       while it is written: writer 00 of that attempt is done (.failed: gave up)
//   ROOT/bad_step_00000120/                     set aside, reason.txt says why
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace deit::checkpoint {

inline constexpr char kManifestName[] = "manifest.json";

enum class TensorKind { kModel, kExpAvg, kExpAvgSq, kMomentumBuffer, kEma };
inline constexpr TensorKind kAllKinds[] = {TensorKind::kModel, TensorKind::kExpAvg, TensorKind::kExpAvgSq, TensorKind::kMomentumBuffer,
                                           TensorKind::kEma};

const char* Name(TensorKind kind);  // "exp_avg_sq"

std::string CheckpointName(int64_t step);                            // "step_00000120"
std::optional<int64_t> ParseCheckpointName(absl::string_view name);  // only what CheckpointName makes
std::string CheckpointPath(absl::string_view root, int64_t step);

std::string TensorFileName(TensorKind kind, int writer);  // "model_00.safetensors"
std::optional<TensorKind> ParseTensorFileName(absl::string_view name);
std::string SidecarName(int worker, absl::string_view nonce);  // "part_00.NONCE.json"
std::string FailedSidecarName(int worker, absl::string_view nonce);

// "blocks.0.attn.qkv.weight@65536": the elements from a flat offset on.
std::string FragmentName(absl::string_view tensor, uint64_t offset);
// Tensor and offset of a fragment's name; a name without @OFFSET is nothing.
std::optional<std::pair<std::string, uint64_t>> ParseFragmentName(absl::string_view name);

// The writer (0 .. writers-1) of each whole tensor, so that every writer has about the same bytes: largest first, each to the
// writer with the fewest so far (the lowest of equals). No writer exceeds the mean by more than the largest tensor. Pure.
std::vector<int> AssignTensors(absl::Span<const uint64_t> bytes_per_tensor, int writers);

}  // namespace deit::checkpoint
