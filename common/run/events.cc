#include "common/run/events.h"

#include "common/base/unix_time.h"
#include "common/json/message_json.h"
#include "common/metrics/cut_back.h"

namespace deit::run {

v1::Event::Type EventType(v1::Event::Reason reason) {
  switch (reason) {
    case v1::Event::ConfigChanged:
    case v1::Event::NumericsChanged:
    case v1::Event::CheckpointFailed:
    case v1::Event::CheckpointRejected:
    case v1::Event::StepSkipped:
    case v1::Event::AttemptFailed:
    case v1::Event::RestartBudgetExhausted:
    case v1::Event::JobFailed: return v1::Event::WARNING;
    default: return v1::Event::NORMAL;
  }
}

StatusOr<EventLog> EventLog::Open(const std::string& path, Clock& clock) {
  DEIT_RETURN_IF_ERROR(metrics::CutBackLines(path, [](absl::string_view) { return true; }).status());
  DEIT_ASSIGN_OR_RETURN(metrics::AppendFile file, metrics::AppendFile::Open(path));
  return EventLog(std::move(file), clock);
}

Status EventLog::Record(v1::Event::Reason reason, const std::string& message, const EventSubject& subject) {
  v1::Event event;
  event.set_time(UnixSeconds(clock_->Now()));
  event.set_type(EventType(reason));
  event.set_reason(reason);
  if (subject.attempt) event.set_attempt(*subject.attempt);
  if (subject.step) event.set_step(*subject.step);
  if (subject.worker) event.set_worker(*subject.worker);
  event.set_message(message);
  return Copy(event);
}

Status EventLog::Copy(const v1::Event& event) { return file_.Append(json::ToJsonLine(event) + "\n"); }

}  // namespace deit::run
