#include "coordinator/job/recovery_timeline.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "common/base/status.h"

namespace deit::job {
namespace {

double Between(absl::Duration from, absl::Duration to) { return std::max(0.0, absl::ToDoubleSeconds(to - from)); }

}  // namespace

v1::Summary::Recovery RecoveryOf(const RecoveryTimeline& timeline) {
  DEIT_CHECK(timeline.complete());
  v1::Summary::Recovery recovery;
  recovery.set_detect_seconds(Between(timeline.failed, timeline.noticed));
  recovery.set_stop_seconds(Between(timeline.noticed, timeline.stopped));
  recovery.set_start_seconds(Between(timeline.stopped, *timeline.spoken));
  recovery.set_load_seconds(Between(*timeline.spoken, *timeline.loaded));
  recovery.set_first_step_seconds(Between(*timeline.loaded, *timeline.first_done));
  return recovery;
}

std::string Describe(const v1::Summary::Recovery& recovery) {
  const double all = recovery.detect_seconds() + recovery.stop_seconds() + recovery.start_seconds() + recovery.load_seconds() +
                     recovery.first_step_seconds();
  return absl::StrFormat("back after %.2f s: noticed %.2f, stopped %.2f, started %.2f, loaded %.2f, first step %.2f", all,
                         recovery.detect_seconds(), recovery.stop_seconds(), recovery.start_seconds(), recovery.load_seconds(),
                         recovery.first_step_seconds());
}

}  // namespace deit::job
