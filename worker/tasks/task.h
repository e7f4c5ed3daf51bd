// The table of tasks. A new task: its function in tasks.h, one entry in task.cc.
#pragma once

#include <string>

#include "absl/types/span.h"
#include "worker/tasks/tasks.h"

namespace deit::tasks {

struct Task {
  std::string name;     // of --task=
  std::string summary;  // one line in lower case
  std::string example;  // a full command line that works
  bool collective;      // runs on every worker; else a launch of several is refused, because all would write the same files
  Status (*run)(const Options& options, collective::Session& session);
};

// In the order of help; the first is the default.
absl::Span<const Task> AllTasks();

// InvalidArgument with the names and the nearest one otherwise.
StatusOr<const Task*> FindTask(const std::string& name);

// "train, evaluate, ...".
std::string TaskNames();

// Two lines for each task: name with summary, and its example.
std::string TaskHelp();

// On each worker of the session; collective where the task is. InvalidArgument on all for several workers where it is not.
Status RunTask(const Task& task, const Options& options, collective::Session& session);

}  // namespace deit::tasks
