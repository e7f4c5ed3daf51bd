#include "common/run/saved_step.h"

#include "absl/strings/match.h"
#include "common/files/line_tail.h"
#include "common/json/message_json.h"
#include "proto/run.pb.h"

namespace deit::run {

std::optional<int64_t> LastSavedStep(files::FileSystem& fs, const std::string& events_path) {
  std::optional<int64_t> step;
  const auto read = [&step](absl::string_view line) {
    v1::Event event;
    if (!json::FromJson(line, &event).ok()) return;
    // A reason that this version does not know reads as the first one.
    if (event.reason() == v1::Event::JobStarted && absl::StrContains(line, "JobStarted")) step.reset();
    if (event.reason() == v1::Event::CheckpointCommitted) step = event.step();
  };
  files::LineTail(fs, events_path).Read(read).IgnoreError();
  return step;
}

}  // namespace deit::run
