// How fast a teacher loads and answers: one model, one thread, batches of 8.
// usage: teacher_bench MODEL WEIGHTS.safetensors BF16|FP32 FORWARDS  ->  one line of JSON
#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/models/model_catalog.h"
#include "common/models/model_tensors.h"
#include "common/process/own_usage.h"
#include "worker/engine/numerics.h"
#include "worker/nn/frozen_model.h"
#include "worker/weights/weights_file.h"

namespace deit {
namespace {

constexpr int kBatch = 8;
constexpr int kWarmUp = 3;  // forwards, until memory and kernels are settled

double Now() { return absl::ToDoubleSeconds(Clock::System().Elapsed()); }

struct Loaded {
  nn::FrozenModel teacher;
  double seconds = 0;
  int64_t bytes = 0;       // of the values that it keeps
  int64_t peak_bytes = 0;  // by which the process grew, at most
};

StatusOr<Loaded> Load(const v1::ModelSpec& model, const std::string& path, v1::Precision precision) {
  Loaded loaded;
  const int64_t before = process::ResidentBytes();
  const double start = Now();
  DEIT_ASSIGN_OR_RETURN(const auto weights, weights::WeightsFile::Open(path, models::TensorsOf(model), weights::PlanOptionsOf(model)));
  DEIT_ASSIGN_OR_RETURN(loaded.teacher,
                        nn::NewFrozenModel(model, precision, [&weights](size_t t, float* out) { return weights.Read(t, out); }));
  loaded.seconds = Now() - start;
  loaded.peak_bytes = process::PeakResidentBytes() - before;
  for (const at::Tensor& value : loaded.teacher.values) loaded.bytes += static_cast<int64_t>(value.nbytes());
  return loaded;
}

Status Run(const std::string& name, const std::string& path, v1::Precision precision, int forwards) {
  v1::ModelSpec wanted;
  wanted.set_name(name);
  DEIT_ASSIGN_OR_RETURN(const v1::ModelSpec model, models::ResolveModel(wanted));
  DEIT_RETURN_IF_ERROR(engine::SetThreads(1));
  DEIT_ASSIGN_OR_RETURN(const Loaded loaded, Load(model, path, precision));
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::full({kBatch, model.in_chans(), model.img_size(), model.img_size()}, 0.5, at::kFloat);
  std::vector<double> seconds;
  int64_t faults = 0;
  for (int i = 0; i < kWarmUp + forwards; ++i) {
    if (i == kWarmUp) faults = process::PageFaults();
    const double start = Now();
    loaded.teacher.model->Forward(loaded.teacher.values, {}, images, {});
    if (i >= kWarmUp) seconds.push_back(Now() - start);
  }
  faults = process::PageFaults() - faults;
  std::nth_element(seconds.begin(), seconds.begin() + forwards / 2, seconds.end());
  absl::PrintF(
      R"({"images_per_second": %.4g, "page_faults_per_forward": %.4g, "load_seconds": %.3f, "weights_mb": %.1f, "load_peak_mb": %.1f})"
      "\n",
      kBatch / seconds[static_cast<size_t>(forwards / 2)], static_cast<double>(faults) / forwards, loaded.seconds,
      static_cast<double>(loaded.bytes) / 1e6, static_cast<double>(loaded.peak_bytes) / 1e6);
  return absl::OkStatus();
}

}  // namespace
}  // namespace deit

int main(int argc, char** argv) {
  deit::engine::PinMathEnvironment();
  int forwards = 0;
  deit::v1::Precision precision;
  if (argc != 5 || !deit::v1::Precision_Parse(argv[3], &precision) || !absl::SimpleAtoi(argv[4], &forwards) || forwards < 1) {
    std::fprintf(stderr, "usage: teacher_bench MODEL WEIGHTS.safetensors BF16|FP32 FORWARDS\n");
    return 2;
  }
  const deit::Status status = deit::Run(argv[1], argv[2], precision, forwards);
  if (status.ok()) return 0;
  std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return 1;
}
