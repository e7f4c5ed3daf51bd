// Evaluation in fixed chunks: chunk c holds images [c*b, min(n, (c+1)*b)), whoever computes it, so that results do not depend on
// the number of workers and each image counts once.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "worker/data/micro_batch.h"
#include "worker/data/view_source.h"

namespace deit::data {

class EvaluationChunks {
 public:
  // `images` >= 1 in the index of `source`; `chunk_size` >= 1 (evaluate.batch_size). `source` outlives this.
  EvaluationChunks(const ViewSource& source, int64_t images, int chunk_size, int threads);
  ~EvaluationChunks();

  int64_t count() const;  // chunks

  // Chunk `c` in [0, count()), rendered by `threads` threads into the one buffer that this object keeps: valid until the next call.
  // step is c, lane 0, views[i].image the image. Errors name image and path.
  absl::StatusOr<const MicroBatch*> Load(int64_t c);

 private:
  struct Buffer;
  const ViewSource& source_;
  const int64_t images_;
  const int chunk_size_;
  const int threads_;
  std::unique_ptr<Buffer> buffer_;
};

}  // namespace deit::data
