// events.jsonl: what happened to the job, one line per event, never cut back: a lost attempt happened too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/metrics/append_file.h"
#include "proto/run.pb.h"

namespace deit::run {

// What an event is about; leave out what does not apply.
struct EventSubject {
  std::optional<int> attempt;
  std::optional<int64_t> step;
  std::optional<int> worker;
};

// WARNING for what needs attention (a failure, a loss, a rejected set), NORMAL for the rest.
v1::Event::Type EventType(v1::Event::Reason reason);

// The owner's. Not thread-safe.
class EventLog {
 public:
  // Opens or creates the file; a torn last line is removed. `clock` outlives it.
  static StatusOr<EventLog> Open(const std::string& path, Clock& clock);

  // `message`: a sentence for people, "step 120 saved: 3 files, 23.6MiB". Failing to write an event never stops a job: callers log it.
  Status Record(v1::Event::Reason reason, const std::string& message, const EventSubject& subject = {});

  // Copies an event from another log verbatim.
  Status Copy(const v1::Event& event);

 private:
  EventLog(metrics::AppendFile file, Clock& clock) : file_(std::move(file)), clock_(&clock) {}
  metrics::AppendFile file_;
  Clock* clock_;
};

}  // namespace deit::run
