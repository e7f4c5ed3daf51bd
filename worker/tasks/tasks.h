// Tasks of deit-worker, one file each. All run with any number of workers unless noted; the returned status carries the exit code.
#pragma once

#include "common/base/status.h"
#include "worker/collective/session.h"
#include "worker/tasks/options.h"

namespace deit::tasks {

// Trains the job to its end; the default.
Status Train(const Options& options, collective::Session& session);

// Accuracy of --weights (a file, a checkpoint), or of the run folder's newest checkpoint, on the validation part: each head and both.
// With --ema the checkpoint's averaged weights; with --report also the teacher, disagreements and tokens (train/evaluation_report.h).
Status Evaluate(const Options& options, collective::Session& session);

// Tensor `x` of --input (N, C, H, W; fp32) through the model; logits, and both heads where there are two, to --output. One worker.
Status Predict(const Options& options);

// The registry of models by name, with parameters, multiply-accumulates and input size. One worker.
Status Models(const Options& options);

// The pixels of --steps=A:B, what was drawn for them, and contact sheets into the folder --output. One worker.
Status Preview(const Options& options);

// Steady-state speed of the job's training steps, with the time split. Saves nothing.
Status Benchmark(const Options& options, collective::Session& session);

}  // namespace deit::tasks
