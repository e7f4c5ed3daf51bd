#include "common/checkpoint/checkpoint_layout.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/files/operations.h"

namespace deit::checkpoint {

const char* Name(TensorKind kind) {
  switch (kind) {
    case TensorKind::kModel: return "model";
    case TensorKind::kExpAvg: return "exp_avg";
    case TensorKind::kExpAvgSq: return "exp_avg_sq";
    case TensorKind::kMomentumBuffer: return "momentum_buffer";
    case TensorKind::kEma: return "ema";
  }
  DEIT_CHECK(false, static_cast<int>(kind));
  return "";
}

std::string CheckpointName(int64_t step) { return absl::StrFormat("step_%08d", step); }

std::optional<int64_t> ParseCheckpointName(absl::string_view name) {
  int64_t step = 0;
  if (!absl::ConsumePrefix(&name, "step_") || !absl::SimpleAtoi(name, &step) || step < 0) return std::nullopt;
  return CheckpointName(step) == absl::StrCat("step_", name) ? std::optional(step) : std::nullopt;
}

std::string CheckpointPath(absl::string_view root, int64_t step) { return files::JoinPath(root, CheckpointName(step)); }

std::string TensorFileName(TensorKind kind, int writer) { return absl::StrFormat("%s_%02d.safetensors", Name(kind), writer); }

std::optional<TensorKind> ParseTensorFileName(absl::string_view name) {
  if (!absl::ConsumeSuffix(&name, ".safetensors")) return std::nullopt;
  const size_t dash = name.rfind('_');
  if (dash == absl::string_view::npos) return std::nullopt;
  for (TensorKind kind : kAllKinds) {
    if (name.substr(0, dash) == Name(kind)) return kind;
  }
  return std::nullopt;
}

std::string SidecarName(int worker, absl::string_view nonce) { return absl::StrFormat("part_%02d.%s.json", worker, nonce); }
std::string FailedSidecarName(int worker, absl::string_view nonce) { return absl::StrFormat("part_%02d.%s.failed", worker, nonce); }

std::string FragmentName(absl::string_view tensor, uint64_t offset) { return absl::StrCat(tensor, "@", offset); }

std::optional<std::pair<std::string, uint64_t>> ParseFragmentName(absl::string_view name) {
  const size_t at = name.rfind('@');
  uint64_t offset = 0;
  if (at == absl::string_view::npos || !absl::SimpleAtoi(name.substr(at + 1), &offset)) return std::nullopt;
  if (absl::StrCat(offset) != name.substr(at + 1)) return std::nullopt;
  return std::make_pair(std::string(name.substr(0, at)), offset);
}

std::vector<int> AssignTensors(absl::Span<const uint64_t> bytes_per_tensor, int writers) {
  DEIT_CHECK(writers >= 1);
  std::vector<size_t> order(bytes_per_tensor.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return bytes_per_tensor[a] > bytes_per_tensor[b]; });
  std::vector<uint64_t> load(static_cast<size_t>(writers), 0);
  std::vector<int> writer_of(bytes_per_tensor.size());
  for (size_t tensor : order) {
    const auto least = std::min_element(load.begin(), load.end());
    *least += bytes_per_tensor[tensor];
    writer_of[tensor] = static_cast<int>(least - load.begin());
  }
  return writer_of;
}

}  // namespace deit::checkpoint
