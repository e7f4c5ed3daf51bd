#include "worker/data/evaluation_chunks.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

#include "common/base/status.h"

namespace deit::data {
namespace {

size_t ViewFloats(const ViewSource& source) {
  return static_cast<size_t>(source.channels()) * static_cast<size_t>(source.size()) * static_cast<size_t>(source.size());
}

}  // namespace

EvaluationChunks::EvaluationChunks(const ViewSource& source, int64_t images, int chunk_size, int threads)
    : source_(source), images_(images), chunk_size_(std::min<int64_t>(chunk_size, images)), threads_(threads) {
  DEIT_CHECK(images >= 1 && chunk_size >= 1 && threads >= 1);
}

int64_t EvaluationChunks::count() const { return (images_ + chunk_size_ - 1) / chunk_size_; }

StatusOr<const MicroBatch*> EvaluationChunks::Load(int64_t c) {
  DEIT_CHECK(c >= 0 && c < count(), c);
  if (pixels_ == nullptr) {
    DEIT_ASSIGN_OR_RETURN(pixels_, AllocatePixels(static_cast<size_t>(chunk_size_) * ViewFloats(source_)));
    batch_.pixels = pixels_.get();
  }
  const int64_t begin = c * chunk_size_;
  const auto size = static_cast<size_t>(std::min(images_ - begin, chunk_size_));
  batch_.step = static_cast<uint64_t>(c);
  batch_.views.resize(size);
  batch_.labels.resize(size);
  for (size_t i = 0; i < size; ++i) {
    const uint64_t image = static_cast<uint64_t>(begin) + i;
    batch_.views[i] = {.position = image, .epoch = 0, .image = image, .repeat = 0};
  }
  DEIT_RETURN_IF_ERROR(RenderAll());
  return &batch_;
}

Status EvaluationChunks::RenderAll() {
  const size_t size = batch_.views.size(), view_floats = ViewFloats(source_);
  std::vector<Status> results(size);
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < size; i = next++) {
      Rendered rendered;
      results[i] = source_.Render(batch_.views[i], batch_.pixels + i * view_floats, &rendered);
      batch_.labels[i] = rendered.label;
    }
  };
  std::vector<std::thread> helpers;
  try {
    for (size_t t = 1; t < std::min<size_t>(static_cast<size_t>(threads_), size); ++t) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // Fewer threads give the same result.
  }
  work();
  for (std::thread& helper : helpers) helper.join();
  for (size_t i = 0; i < size; ++i) {
    if (!results[i].ok()) return Annotate(results[i], absl::StrCat("evaluation: image ", batch_.views[i].image));
  }
  return absl::OkStatus();
}

}  // namespace deit::data
