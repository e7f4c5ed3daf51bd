// Evaluation in fixed chunks: chunk c holds images [c*b, min(n, (c+1)*b)), no matter which worker computes it, so that results do not
// depend on the number of workers and each image counts once.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "worker/data/micro_batch.h"
#include "worker/data/pixel_buffer.h"
#include "worker/data/view_source.h"

namespace deit::data {

// One thread at a time.
class EvaluationChunks {
 public:
  // `images` >= 1: of the index behind `source` (NewEvaluationViews), which outlives this. `chunk_size` >= 1: evaluate.batch_size.
  // `threads` >= 1: data.threads.
  EvaluationChunks(const ViewSource& source, int64_t images, int chunk_size, int threads);

  int64_t count() const;  // chunks: ceil(images / chunk_size)

  // Chunk `c` in [0, count()), rendered by `threads` threads into the one buffer that this object keeps: valid until the next call.
  // step is c, lane 0, views[i].image the image. Errors name image and path; of several the first image's.
  absl::StatusOr<const MicroBatch*> Load(int64_t c);

 private:
  absl::Status RenderAll();

  const ViewSource& source_;
  const int64_t images_;
  const int64_t chunk_size_;  // at most images_
  const int threads_;
  PixelBuffer pixels_;  // allocated by the first Load()
  MicroBatch batch_;
};

}  // namespace deit::data
