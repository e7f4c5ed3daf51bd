#include "common/run/error_report.h"

#include "common/base/exit_code.h"
#include "common/base/unix_time.h"
#include "common/json/json_file.h"

namespace deit::run {

v1::WorkerError MakeWorkerError(const Status& status, const FailurePlace& place, absl::Time time) {
  const ExitCode code = ExitCodeOf(status);
  v1::WorkerError error;
  error.set_time(UnixSeconds(time));
  error.set_worker(place.worker);
  error.set_attempt(place.attempt);
  error.set_exit_code(static_cast<int>(code));
  error.set_meaning(Meaning(code));
  error.set_step(place.step);
  error.set_phase(place.phase);
  error.set_message(std::string(status.message()));
  error.set_hint(HintOf(status));
  return error;
}

void SetOutcome(const Status& status, absl::Time time, v1::AttemptResult* result) {
  const ExitCode code = ExitCodeOf(status);
  const bool failed = !EndedWell(code);
  result->set_time(UnixSeconds(time));
  result->set_exit_code(static_cast<int>(code));
  result->set_meaning(Meaning(code));
  result->set_message(failed ? std::string(status.message()) : "");
  result->set_hint(failed ? HintOf(status) : "");
}

Status WriteWorkerError(files::FileSystem& fs, const std::string& path, const v1::WorkerError& error) {
  return json::WriteJsonFile(fs, path, error);
}

Status WriteAttemptResult(files::FileSystem& fs, const std::string& path, const v1::AttemptResult& result) {
  return json::WriteJsonFile(fs, path, result);
}

}  // namespace deit::run
