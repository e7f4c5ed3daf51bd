// Seam for the messages of a job's workers to its controller.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "common/base/status.h"
#include "coordinator/job/job_event.h"

namespace deit::job {

// Not thread-safe; all calls come from the thread that runs the controller's io_context.
class WorkerChannel {
 public:
  virtual ~WorkerChannel() = default;

  struct Handlers {
    std::function<void(const WorkerHello&)> on_hello;
    std::function<void(int64_t connection, const v1::Heartbeat&)> on_heartbeat;
    std::function<void(const WorkerLeaving&)> on_leaving;
    std::function<void(const ConnectionClosed&)> on_closed;
    std::function<void(const std::string& cause, int64_t count)> on_rejected;  // the 1st, 10th, 100th, ... connection for this cause
  };

  // Listens. Connections count from 1 and name one connection for ever.
  virtual Status Open(Handlers handlers) = 0;

  // From now on only workers of `attempt`, a launch of `workers`, are admitted; before the first call, none. Connections that are open stay.
  virtual void Admit(int attempt, int workers) = 0;

  // Asks each connected worker of the admitted attempt, and each that connects later, to finish its step, save and end. Returns the number of
  // workers that were asked now.
  virtual int RequestStop() = 0;

  // Connections rejected so far, by cause.
  virtual const std::map<std::string, int64_t>& rejected() const = 0;

  // Closes all connections; no handler is called afterwards.
  virtual void Close() = 0;
};

}  // namespace deit::job
