// TensorBoard's event files, scalars only. Format: records of (length, masked CRC of it, bytes, masked CRC of them), each
// a message of proto/tb_event.proto. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/lib/io/record_writer.h
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/metrics/append_file.h"
#include "proto/tb_event.pb.h"

namespace deit::metrics {

// The tags we write; `system/` is not about learning.
inline constexpr char kTagTrainLoss[] = "train/loss";
inline constexpr char kTagTrainLr[] = "train/lr";
inline constexpr char kTagValAcc1[] = "val/acc1";  // percent
inline constexpr char kTagValAcc1Ema[] = "val/acc1_ema";
inline constexpr char kTagImagesPerSecond[] = "system/images_per_second";

// CRC-32C (Castagnoli, RFC 3720 B.4) of `bytes`.
uint32_t Crc32c(absl::string_view bytes);

// One record with its framing.
std::string TensorBoardRecord(absl::string_view bytes);

// Worker 0's. One file per attempt. Not thread-safe.
class TensorBoardWriter {
 public:
  // Creates tb/events.out.tfevents.SECONDS.HOST.PID.0 in `folder`. From `first_step` > 0 on, TensorBoard drops what the files of
  // earlier attempts say. `clock` outlives it.
  static StatusOr<TensorBoardWriter> Open(const std::string& folder, int64_t first_step, Clock& clock);

  // In the file when this returns.
  Status AddScalars(int64_t step, const std::vector<std::pair<std::string, double>>& scalars);

  const std::string& path() const { return file_.path(); }

 private:
  TensorBoardWriter(AppendFile file, Clock& clock) : file_(std::move(file)), clock_(&clock) {}
  Status Write(tensorboard::Event event);  // stamps it

  AppendFile file_;
  Clock* clock_;
};

}  // namespace deit::metrics
