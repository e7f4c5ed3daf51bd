#include "common/spec/warnings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/numbers.h"
#include "common/plan/schedule.h"

namespace deit::spec {
namespace {

using Sentences = std::vector<std::string>;

void WarnOfRates(const v1::JobSpec& spec, Sentences* warnings) {
  const v1::ScheduleSpec& schedule = spec.schedule();
  const double lr = plan::BaseLearningRate(spec);
  const auto above = [&](absl::string_view path, double rate, absl::string_view what) {
    if (rate <= lr) return;
    warnings->push_back(absl::StrCat(path, ": ", RoundTripText(rate), ": above the rate ", RoundTripText(lr), " of optimizer.lr", what));
  };
  if (schedule.warmup_epochs() > 0) above("schedule.warmup_lr", schedule.warmup_lr(), ", to which it should rise");
  above("schedule.min_lr", schedule.min_lr(), ", from which it should fall");
}

void WarnOfDistillation(const v1::JobSpec& spec, Sentences* warnings) {
  if (spec.distillation().type() != v1::DistillationSpec::NONE) return;
  const v1::DistillationSpec& standard = v1::DistillationSpec::default_instance();
  const auto idle = [&](absl::string_view path, double value, double usual) {
    if (value != usual)
      warnings->push_back(absl::StrCat("distillation.", path, ": ", RoundTripText(value), ": says nothing without a teacher"));
  };
  idle("alpha", spec.distillation().alpha(), standard.alpha());
  idle("tau", spec.distillation().tau(), standard.tau());
}

void WarnOfAugmentation(const v1::AugmentSpec& augment, Sentences* warnings) {
  const v1::AugmentSpec& standard = v1::AugmentSpec::default_instance();
  if (augment.reprob() == 0 && (augment.recount() != standard.recount() || augment.remode() != standard.remode())) {
    warnings->push_back("augment.reprob: 0: nothing is erased, whatever recount and remode say");
  }
  const bool boxes_are_empty = augment.cutmix_minmax_size() == 2 && augment.cutmix_minmax(1) == 0;
  const bool mixes = augment.mixup() > 0 || augment.cutmix() > 0 || augment.cutmix_minmax_size() > 0;
  if (mixes && augment.mixup_prob() == 0) warnings->push_back("augment.mixup_prob: 0: nothing is mixed, whatever mixup and cutmix say");
  if (boxes_are_empty) warnings->push_back("augment.cutmix_minmax: 0, 0: boxes without an area mix nothing");
  if (augment.spread_repeats() && augment.repeated_aug() == 1) {
    warnings->push_back("augment.spread_repeats: true: nothing is repeated, as augment.repeated_aug is 1");
  }
}

void WarnOfStatistics(const v1::DataSpec& data, Sentences* warnings) {
  for (const float value : data.std()) {
    if (value <= 1) continue;
    warnings->push_back(
        absl::StrCat("data.std: ", value, ": no deviation of pixels, which are 0 to 1: is it of pixels that are 0 to 255?"));
    return;
  }
}

}  // namespace

std::vector<std::string> Warnings(const v1::JobSpec& resolved) {
  Sentences warnings;
  WarnOfRates(resolved, &warnings);
  WarnOfDistillation(resolved, &warnings);
  WarnOfAugmentation(resolved.augment(), &warnings);
  WarnOfStatistics(resolved.data(), &warnings);
  return warnings;
}

}  // namespace deit::spec
