// deit-worker: one process of a launch. Flags are read here and nowhere else.
#include <gflags/gflags.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/digest.h"
#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/run/signals.h"
#include "worker/engine/numerics.h"
#include "worker/tasks/tasks.h"

DEFINE_string(config, "", "job file (textproto, or JSON by suffix)");
DEFINE_string(task, "train", "train, evaluate, predict, benchmark");
DEFINE_string(run_dir, "", "run folder; default runs/NAME under the current folder");
DEFINE_string(resume, "auto", "auto, never, required");
DEFINE_bool(allow_config_change, false, "go on in a run folder whose job had other RESULT fields");
DEFINE_int64(stop_after_steps, -1, "stop as if preempted after so many more steps: save, exit 75");
DEFINE_string(weights, "", "evaluate, predict: a safetensors file or a checkpoint set");
DEFINE_string(input, "", "predict: safetensors file with tensor x (N, C, H, W; fp32)");
DEFINE_string(output, "", "predict: safetensors file to write");
DEFINE_int32(steps, 20, "benchmark: steps to measure");
DEFINE_int32(warmup_steps, 3, "benchmark: steps before");
DEFINE_bool(json, false, "benchmark, evaluate: print one JSON object");

namespace google {
extern void (*gflags_exitfunc)(int);  // what gflags calls on a bad flag; in its headers only for its own tests
}

namespace deit {
namespace {

constexpr char kHelp[] =
    R"(usage: mpirun -np N deit-worker --config=FILE [flags] [path=value ...]

Trains a vision transformer on N workers; the weights do not depend on N.

example:
  mpirun -np 2 deit-worker --config=configs/quickstart/student.textproto train.epochs=1

flags:
  --config=FILE           job file (textproto, or JSON by suffix)
  --run_dir=DIR           run folder (default: runs/NAME under the current folder)
  --resume=auto           auto: go on from the newest good checkpoint; never: begin anew; required: fail without one
  --allow_config_change   go on although the run folder's job had other RESULT fields
  --stop_after_steps=N    stop as if preempted after N more steps: save, exit 75
  --task=train            train, evaluate, predict, benchmark
  --weights=F             evaluate, predict: safetensors file or checkpoint set
  --input=X --output=Y    predict: tensor x in, logits out (safetensors)
  --steps=20 --warmup_steps=3 --json   benchmark

exit: 0 done, 64 bad config, 65 corrupt data or checkpoint, 66 missing input, 69 peer lost (run again), 70 internal error,
  71 device, 73 run folder, 74 not saved, 75 stopped and saved (run again), 76 loss not finite
)";

Status ReadResume(train::Resume* resume) {
  if (FLAGS_resume == "auto") *resume = train::Resume::kAuto;
  else if (FLAGS_resume == "never") *resume = train::Resume::kNever;
  else if (FLAGS_resume == "required") *resume = train::Resume::kRequired;
  else return absl::InvalidArgumentError(absl::StrCat("--resume: ", FLAGS_resume, ": want auto, never or required"));
  return absl::OkStatus();
}

StatusOr<tasks::Options> ReadOptions(int argc, char** argv) {
  tasks::Options options;
  options.config = FLAGS_config;
  for (int i = 1; i < argc; ++i) options.overrides.emplace_back(argv[i]);
  if (!FLAGS_run_dir.empty()) options.overrides.push_back(absl::StrCat("run_dir=", FLAGS_run_dir));
  DEIT_RETURN_IF_ERROR(ReadResume(&options.job.resume));
  options.job.allow_config_change = FLAGS_allow_config_change;
  if (FLAGS_stop_after_steps == 0 || FLAGS_stop_after_steps < -1) {
    return absl::InvalidArgumentError(absl::StrCat("--stop_after_steps: ", FLAGS_stop_after_steps, ": want at least 1"));
  }
  if (FLAGS_stop_after_steps > 0) options.job.stop_after_steps = static_cast<uint64_t>(FLAGS_stop_after_steps);
  if (FLAGS_steps < 1 || FLAGS_warmup_steps < 0) {
    return absl::InvalidArgumentError(absl::StrCat("--steps: ", FLAGS_steps, ", --warmup_steps: ", FLAGS_warmup_steps, ": want at least 1 and 0"));
  }
  options.weights = FLAGS_weights;
  options.input = FLAGS_input;
  options.output = FLAGS_output;
  options.json = FLAGS_json;
  options.steps = static_cast<uint64_t>(FLAGS_steps);
  options.warmup_steps = static_cast<uint64_t>(FLAGS_warmup_steps);
  return options;
}

Status RunTask(const tasks::Options& options, collective::Session& session) {
  if (FLAGS_task == "train") return tasks::Train(options, session);
  if (FLAGS_task == "evaluate") return tasks::Evaluate(options, session);
  if (FLAGS_task == "predict") return tasks::Predict(options);
  if (FLAGS_task == "benchmark") return tasks::Benchmark(options, session);
  return absl::InvalidArgumentError(absl::StrCat("--task: ", FLAGS_task, ": want train, evaluate, predict or benchmark"));
}

void Report(const Status& status) {
  const ExitCode code = ExitCodeOf(status);
  if (code == ExitCode::kStoppedAndSaved) return LogInfo(absl::StrCat(status.message(), "; run again to go on"));
  LogError(status.message());
  if (const std::string hint = HintOf(status); !hint.empty()) LogInfo(absl::StrCat("hint: ", hint));
}

// Failures that all workers agreed on end in order; after others this worker takes the launch with it, so that nobody waits for it.
bool KnownToAll(ExitCode code) {
  return code == ExitCode::kDone || code == ExitCode::kStoppedAndSaved || code == ExitCode::kNotSaved || code == ExitCode::kNonFinite;
}

std::string SessionName() {
  const std::string folder = FLAGS_run_dir.empty() ? absl::StrCat(std::filesystem::current_path().string(), "/", FLAGS_config) : FLAGS_run_dir;
  return DigestHex(Digest64(folder.data(), folder.size()));
}

int Main(int argc, char** argv) {
  engine::PinMathEnvironment();
  InstallCrashHandler();
  SetLogName("deit-worker");
  for (int i = 1; i < argc; ++i) {
    if (absl::string_view(argv[i]) == "--help" || absl::string_view(argv[i]) == "-h") return std::fputs(kHelp, stdout) < 0;
  }
  google::gflags_exitfunc = [](int) { std::_Exit(static_cast<int>(ExitCode::kBadConfig)); };
  gflags::ParseCommandLineNonHelpFlags(&argc, &argv, true);
  run::InstallStopSignals();
  const auto options = ReadOptions(argc, argv);
  if (!options.ok()) {
    Report(options.status());
    return static_cast<int>(ExitCode::kBadConfig);
  }
  collective::SessionOptions session_options;
  session_options.job_id = SessionName();
  auto session = collective::StartSession(session_options);
  if (!session.ok()) {
    Report(session.status());
    return static_cast<int>(ExitCodeOf(session.status()));
  }
  const int worker = (*session)->world().rank();
  if ((*session)->world().size() > 1) SetLogName(absl::StrCat("deit-worker[", worker, "]"));
  const Status status = RunTask(*options, **session);
  const ExitCode code = ExitCodeOf(status);
  // What all agreed on, one worker says for all.
  if (!status.ok() && (worker == 0 || !KnownToAll(code))) Report(status);
  if (KnownToAll(code)) (*session)->Finish(code);
  (*session)->Abort(code);
}

}  // namespace
}  // namespace deit

int main(int argc, char** argv) { return deit::Main(argc, argv); }
