#include "worker/tasks/task.h"

#include <array>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/nearest.h"
#include "common/process/build_id.h"
#include "worker/exchange/agreement.h"
#include "worker/exchange/same_program.h"
#include "worker/tasks/job_setup.h"

namespace deit::tasks {
namespace {

// Of a task that knows nothing of other workers.
template <Status (*kRun)(const Options&)>
Status Alone(const Options& options, collective::Session&) {
  return kRun(options);
}

const std::array kTasks = {
    Task{.name = "train",
         .summary = "trains the job to its end",
         .example = "mpirun -np 2 deit-worker --config=configs/quickstart/student.textproto train.epochs=1",
         .collective = true,
         .run = Train},
    Task{.name = "evaluate",
         .summary = "accuracy of the newest checkpoint, or of --weights",
         .example = "deit-worker --task=evaluate --config=configs/quickstart/student.textproto --report --json",
         .collective = true,
         .run = Evaluate},
    Task{.name = "predict",
         .summary = "logits of a tensor of images",
         .example = "deit-worker --task=predict model.name=deit_tiny_patch16_224 --weights=model.safetensors --input=x.safetensors "
                    "--output=y.safetensors",
         .collective = false,
         .run = Alone<Predict>},
    Task{.name = "preview",
         .summary = "writes the pixels that steps train on, and contact sheets",
         .example = "deit-worker --task=preview --config=configs/quickstart/student.textproto --steps=0:2 --output=preview",
         .collective = false,
         .run = Alone<Preview>},
    Task{.name = "benchmark",
         .summary = "steady-state speed of training, with the time split",
         .example = "mpirun -np 2 deit-worker --task=benchmark --config=configs/quickstart/student.textproto --steps=20",
         .collective = true,
         .run = Benchmark},
    Task{.name = "models",
         .summary = "the published models, with parameters and multiply-accumulates",
         .example = "deit-worker --task=models --json",
         .collective = false,
         .run = Alone<Models>},
};

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const Task& task : kTasks) names.push_back(task.name);
  return names;
}

}  // namespace

absl::Span<const Task> AllTasks() { return kTasks; }

StatusOr<const Task*> FindTask(const std::string& name) {
  for (const Task& task : kTasks) {
    if (task.name == name) return &task;
  }
  return absl::InvalidArgumentError(absl::StrCat("--task: ", name, ": want ", TaskNames(), DidYouMean(name, Names())));
}

std::string TaskNames() { return absl::StrJoin(Names(), ", "); }

std::string TaskHelp() {
  std::string text;
  for (const Task& task : kTasks) absl::StrAppendFormat(&text, "  %-9s  %s\n    %s\n", task.name, task.summary, task.example);
  return text;
}

Status RunTask(const Task& task, const Options& options, collective::Session& session) {
  const int workers = session.world().size();
  if (task.collective) {
    DEIT_RETURN_IF_ERROR(exchange::ProveSameProgram(session.world(), SetupDeadline(), process::BuildId()));
    return task.run(options, session);
  }
  if (workers == 1) return task.run(options, session);
  const std::string started = absl::StrCat("--task=", task.name, ": ", workers, " processes: this task runs in one");
  return exchange::AsAgreed(WithHint(absl::InvalidArgumentError(started), "start deit-worker without mpirun"));
}

}  // namespace deit::tasks
