#include "common/metrics/progress_text.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/numbers.h"

namespace deit::metrics {
namespace {

// Ranks say in which order parts go when there is no room: the highest first.
struct Part {
  int rank;
  std::string text;
};

std::vector<Part> Parts(const v1::Progress& p) {
  std::vector<Part> parts;
  parts.push_back({0, absl::StrFormat("epoch %d/%d", p.epoch(), p.epochs())});
  if (p.epoch_steps() > 0) {
    // The floor: 100% only when the epoch is done.
    parts.push_back({3, absl::StrFormat("[%3d%%]", 100 * p.epoch_step() / p.epoch_steps())});
    parts.push_back({1, absl::StrFormat("%d/%d", p.epoch_step(), p.epoch_steps())});
  }
  if (p.has_loss()) parts.push_back({2, "loss " + LossText(p.loss())});
  if (p.has_loss_average()) parts.push_back({7, absl::StrCat("(", LossText(p.loss_average()), ")")});
  if (p.has_val_acc1()) parts.push_back({6, "acc1 " + AccuracyText(p.val_acc1())});
  if (p.has_images_per_second()) parts.push_back({5, RateText(p.images_per_second()) + " img/s"});
  if (p.has_step_seconds()) parts.push_back({8, StepSecondsText(p.step_seconds()) + " s/step"});
  if (p.has_data_share()) parts.push_back({10, absl::StrFormat("data %.0f%%", 100 * p.data_share())});
  if (p.has_lr()) parts.push_back({9, "lr " + LearningRateText(p.lr())});
  if (p.has_eta_seconds()) parts.push_back({4, "eta " + DurationText(absl::Seconds(p.eta_seconds()))});
  return parts;
}

std::string Join(const std::vector<Part>& parts) {
  std::string line;
  for (const Part& part : parts) absl::StrAppend(&line, line.empty() ? "" : " ", part.text);
  return line;
}

}  // namespace

std::string FormatProgress(const v1::Progress& progress, int width) {
  const auto room = static_cast<size_t>(std::max(0, width));
  std::vector<Part> parts = Parts(progress);
  std::string line = Join(parts);
  while (line.size() > room && parts.size() > 1) {
    parts.erase(std::max_element(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.rank < b.rank; }));
    line = Join(parts);
  }
  return line.substr(0, room);
}

std::string FinishedLine(int64_t step, int epoch, double val_acc1, const std::string& weights_digest) {
  const std::string acc1 = std::isfinite(val_acc1) ? RoundTripText(val_acc1) : "nan";
  return absl::StrFormat("finished step=%d epoch=%d val_acc1=%s weights_digest=%s", step, epoch, acc1, weights_digest);
}

}  // namespace deit::metrics
