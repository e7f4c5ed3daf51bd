// summary.csv: one row per epoch, in timm's columns, so that what reads timm's file reads ours.
#pragma once

#include <optional>
#include <string>

#include "common/base/status.h"
#include "common/run/append_file.h"

namespace deit::run {

struct EpochRow {
  int epoch = 0;                     // from 0
  std::optional<double> train_loss;  // mean over the epoch's steps; empty where another attempt trained them
  std::optional<double> eval_loss;   // an epoch that is not evaluated leaves its three cells empty
  std::optional<double> eval_top1;   // percent
  std::optional<double> eval_top5;   // percent
  double lr = 0;                     // of the epoch's last step
};

// Worker 0's. Not thread-safe.
class SummaryCsv {
 public:
  // Opens the file, or creates it with its header. Rows of epoch `first_epoch` and later and a torn last row are removed. A file
  // with another header (another version's) is set aside as summary.csv.old, with a warning.
  static StatusOr<SummaryCsv> Open(const std::string& path, int first_epoch);

  Status Append(const EpochRow& row);
  Status Sync() { return file_.Sync(); }

 private:
  explicit SummaryCsv(AppendFile file) : file_(std::move(file)) {}
  AppendFile file_;
};

}  // namespace deit::run
