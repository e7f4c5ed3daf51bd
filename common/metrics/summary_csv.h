// summary.csv: one row per epoch, in timm's columns, so that what reads timm's file reads ours; those of the EMA stand behind them.
#pragma once

#include <optional>
#include <string>

#include "common/base/status.h"
#include "common/metrics/append_file.h"

namespace deit::metrics {

// Of an epoch that is not evaluated, all are empty.
struct EvaluationCells {
  std::optional<double> loss;
  std::optional<double> top1;  // percent
  std::optional<double> top5;  // percent
};

struct EpochRow {
  int epoch = 0;                     // from 0
  std::optional<double> train_loss;  // mean over the epoch's steps; empty where another attempt trained them
  EvaluationCells eval;
  double lr = 0;  // of the epoch's last step
  EvaluationCells eval_ema;
};

// Worker 0's. Not thread-safe.
class SummaryCsv {
 public:
  // Opens the file, or creates it with its header. Rows of epoch `first_epoch` and later and a torn last row are removed. A file
  // with another header (another version's) is set aside as summary.csv.old, with a warning.
  static StatusOr<SummaryCsv> Open(const std::string& path, int first_epoch, bool with_ema);

  Status Append(const EpochRow& row);
  Status Sync() { return file_.Sync(); }

 private:
  SummaryCsv(AppendFile file, bool with_ema) : file_(std::move(file)), with_ema_(with_ema) {}
  AppendFile file_;
  bool with_ema_;
};

}  // namespace deit::metrics
