// Command-line options of deit-worker, shared by all tasks. Only main.cc reads flags.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/process/message_copy.h"
#include "worker/train/job.h"

namespace deit::tasks {

struct Options {
  std::string config;                  // job file; empty: overrides alone
  std::vector<std::string> overrides;  // path=value, with --run_dir first
  train::JobOptions job;
  std::optional<int> attempt;                                     // that deit-coord run has begun
  control::WorkerProgress* worker_progress = nullptr;             // of this worker; never null
  std::unique_ptr<process::MessageCopy>* message_copy = nullptr;  // lives as long as the process has something to say; never null
  std::string weights, input, output;                             // evaluate, predict; preview's folder
  bool report = false, ema = false;                               // evaluate
  bool json = false;                                              // benchmark, evaluate, models
  uint64_t steps = 20, warmup_steps = 3;                          // benchmark
  uint64_t first_step = 0, end_step = 0;                          // preview: steps [first_step, end_step)
};

}  // namespace deit::tasks
