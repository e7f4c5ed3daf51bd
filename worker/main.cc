// deit-worker: one process of a launch. Flags are read here and nowhere else.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/digest.h"
#include "common/base/exit_code.h"
#include "common/base/failure.h"
#include "common/base/log.h"
#include "common/base/nearest.h"
#include "common/base/out_of_memory.h"
#include "common/control/client.h"
#include "common/control/worker_progress.h"
#include "common/job/state_folder.h"
#include "common/machine/descriptor_limit.h"
#include "common/process/identity.h"
#include "common/process/signals.h"
#include "common/process/standard_streams.h"
#include "common/run/run_identity.h"
#include "common/spec/default_job_file.h"
#include "worker/engine/numerics.h"
#include "worker/exchange/agreement.h"
#include "worker/tasks/task.h"

DEFINE_string(config, "", "job file (textproto, or JSON by suffix); default deit.textproto, if the current folder has one");
DEFINE_string(task, "train", "one of tasks/task.h");
DEFINE_string(run_dir, "", "run folder; default runs/NAME under the current folder");
DEFINE_string(resume, "auto", "auto, never, required");
DEFINE_bool(allow_config_change, false, "go on in a run folder whose job had other RESULT fields");
DEFINE_int64(stop_after_steps, -1, "stop as if preempted after so many more steps: save, exit 75");
DEFINE_int32(attempt, 0, "the attempt that deit-coord run has begun; 0: this launch begins its own");
DEFINE_string(weights, "", "evaluate, predict: a weights file or a checkpoint");
DEFINE_string(input, "", "predict: safetensors file with tensor x (N, C, H, W; fp32)");
DEFINE_string(output, "", "predict: safetensors file to write; preview: folder to write to");
DEFINE_string(steps, "", "benchmark: steps to measure (20); preview: A:B, steps A to B-1");
DEFINE_int32(warmup_steps, 3, "benchmark: steps before");
DEFINE_bool(report, false, "evaluate: also the teacher, disagreements, and the tokens after every layer");
DEFINE_bool(ema, false, "evaluate: the averaged weights of the checkpoint");
DEFINE_bool(json, false, "evaluate, benchmark, models: print JSON");

namespace google {
extern void (*gflags_exitfunc)(int);  // what gflags calls on a bad flag; in its headers only for its own tests
}

namespace deit {
namespace {

constexpr char kHelp[] =
    R"(usage: mpirun -np N deit-worker [--config=FILE] [flags] [path=value ...]

Trains a vision transformer on N workers; the weights do not depend on N.

example:
  mpirun -np 2 deit-worker --config=configs/quickstart/student.textproto train.epochs=1

flags:
  --config=FILE           job file (textproto, or JSON by suffix; default: deit.textproto, if the current folder has one)
  --run_dir=DIR           run folder (default: runs/NAME under the current folder)
  --resume=auto           auto: go on from the newest good checkpoint; never: start fresh; required: fail without one
  --allow_config_change   go on although the run folder's job had other RESULT fields
  --stop_after_steps=N    stop as if preempted after N more steps: save, exit 75
  --attempt=N             given by deit-coord run, which owns the run folder: the attempt that it has begun
  --task=train            one of the tasks below
  --weights=F             evaluate, predict: weights file or checkpoint (evaluate: default the run folder's newest)
  --report                evaluate: also the teacher, disagreements, and how alike both tokens are after every layer
  --ema                   evaluate: the averaged weights of the checkpoint
  --input=X --output=Y    predict: tensor x in, logits out (safetensors)
  --steps=A:B --output=DIR  preview: pixels, parameters and contact sheets of steps A to B-1
  --steps=20 --warmup_steps=3   benchmark
  --json                  evaluate, benchmark, models: JSON instead of a table
)";

constexpr char kExitHelp[] = R"(
exit: 0 done, 64 bad config, 65 corrupt data or checkpoint, 66 missing input, 69 peer lost (run again), 70 internal error,
  71 device, 73 run folder, 74 not saved, 75 stopped and saved (run again), 76 loss not finite
)";

int PrintHelp() { return std::fputs(absl::StrCat(kHelp, "\ntasks:\n", tasks::TaskHelp(), kExitHelp).c_str(), stdout); }

Status ReadResume(train::Resume* resume) {
  if (FLAGS_resume == "auto") *resume = train::Resume::kAuto;
  else if (FLAGS_resume == "never") *resume = train::Resume::kNever;
  else if (FLAGS_resume == "required") *resume = train::Resume::kRequired;
  else return absl::InvalidArgumentError(absl::StrCat("--resume: ", FLAGS_resume, ": want auto, never or required"));
  return absl::OkStatus();
}

// A:B of preview, or benchmark's count.
Status ReadSteps(tasks::Options* options) {
  constexpr uint64_t kMost = uint64_t{1} << 40;  // positions stay in 64 bits
  if (FLAGS_task == "preview") {
    const std::vector<std::string> bounds = absl::StrSplit(FLAGS_steps, ':');
    const bool read = bounds.size() == 2 && absl::SimpleAtoi(bounds[0], &options->first_step) &&
                      absl::SimpleAtoi(bounds[1], &options->end_step) && options->first_step < options->end_step &&
                      options->end_step <= kMost;
    if (read) return absl::OkStatus();
    return WithHint(absl::InvalidArgumentError(absl::StrCat("--steps: \"", FLAGS_steps, "\": want A:B, A below B, such as 0:2")),
                    "--steps=0:1 shows the first step");
  }
  const bool read = FLAGS_steps.empty() || (absl::SimpleAtoi(FLAGS_steps, &options->steps) && options->steps <= kMost);
  if (!read || options->steps < 1 || FLAGS_warmup_steps < 0) {
    return absl::InvalidArgumentError(absl::StrCat("--steps: ", FLAGS_steps.empty() ? absl::StrCat(options->steps) : FLAGS_steps,
                                                   ", --warmup_steps: ", FLAGS_warmup_steps, ": want at least 1 and 0"));
  }
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
  DEIT_RETURN_IF_ERROR(ReadSteps(&options));
  if (FLAGS_attempt < 0 || (FLAGS_attempt > 0 && FLAGS_run_dir.empty())) {
    return absl::InvalidArgumentError(absl::StrCat("--attempt: ", FLAGS_attempt, ": want at least 1, and --run_dir beside it"));
  }
  if (FLAGS_attempt > 0) options.attempt = FLAGS_attempt;
  options.weights = FLAGS_weights;
  options.input = FLAGS_input;
  options.output = FLAGS_output;
  options.report = FLAGS_report;
  options.ema = FLAGS_ema;
  options.json = FLAGS_json;
  options.warmup_steps = static_cast<uint64_t>(FLAGS_warmup_steps);
  return options;
}

void Report(const Status& status) {
  if (ExitCodeOf(status) == ExitCode::kStoppedAndSaved) return LogInfo(absl::StrCat(status.message(), "; run again to go on"));
  LogFailure(status);
}

// The worker that reports the end of the task, where all workers know of it; nothing for a failure that others may not know of.
std::optional<int> ReportingRank(const Status& status) {
  if (const auto worker = exchange::AgreedFailureOf(status)) return worker;
  const ExitCode code = ExitCodeOf(status);
  const bool decided_together = code == ExitCode::kDone || code == ExitCode::kStoppedAndSaved || code == ExitCode::kNonFinite;
  return decided_together ? std::optional<int>(0) : std::nullopt;
}

// Names the launch's files in shared memory: a readable part, and a digest that tells jobs apart.
std::string SessionName() {
  const std::string path = FLAGS_run_dir.empty() ? FLAGS_config : FLAGS_run_dir;
  const std::string whole = absl::StrCat(std::filesystem::current_path().string(), "\n", path);
  std::string name = path.substr(path.size() - std::min<size_t>(path.size(), 40));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_'; }, '_');
  return absl::StrCat(name, "-", DigestHex(Digest64(whole.data(), whole.size())));
}

// gflags says that a flag is unknown, but not which one was meant.
Status CheckFlags(int argc, char** argv) {
  std::vector<gflags::CommandLineFlagInfo> known;
  gflags::GetAllFlags(&known);
  std::vector<std::string> names;
  for (const auto& flag : known) {
    if (absl::EndsWith(flag.filename, "main.cc")) names.push_back("--" + flag.name);
  }
  for (int i = 1; i < argc && absl::string_view(argv[i]) != "--"; ++i) {
    const std::string word = argv[i], name = word.substr(0, word.find('='));
    if (!absl::StartsWith(word, "--") || std::find(names.begin(), names.end(), name) != names.end()) continue;
    if (absl::StartsWith(name, "--no") && std::find(names.begin(), names.end(), "--" + name.substr(4)) != names.end()) continue;
    return WithHint(absl::InvalidArgumentError(absl::StrCat(name, ": unknown flag", DidYouMean(name, names))),
                    "deit-worker --help lists them");
  }
  return absl::OkStatus();
}

// The launcher's number of this process.
int RankOf(const collective::Communicator& world) { return world.launch_ranks()[static_cast<size_t>(world.rank())]; }

// Names the worker in its messages, and its rank where that is another number, since the launcher's messages name ranks.
void NameLog(const collective::Communicator& world) {
  if (world.size() == 1) return;
  const std::string rank = RankOf(world) == world.rank() ? "" : absl::StrCat(", rank ", RankOf(world));
  SetLogName(absl::StrCat("deit-worker[", world.rank(), rank, "]"));
}

// Connects this worker to the job's owner under deit-coord run, by a thread of its own. Null without an owner; nothing fails with it.
std::unique_ptr<control::Client> StartControlClient(const collective::Communicator& world, const control::WorkerProgress& worker_progress) {
  if (FLAGS_attempt == 0) return nullptr;
  const run::RunFolder folder(FLAGS_run_dir);
  const auto identity = run::ReadIdentity(files::FileSystem::Posix(), folder);
  const auto state = job::StateFolder::FromEnvironment();
  if (!identity.ok() || !state.ok()) {
    LogWarning(absl::StrCat("deit-coord will not hear of this worker: ", (identity.ok() ? state.status() : identity.status()).message()));
    return nullptr;
  }
  control::ClientOptions options;
  options.control_path = folder.Control();
  options.token_path = state->Token(identity->job());
  options.hello.set_job(identity->job());
  options.hello.set_launch(FLAGS_attempt);
  options.hello.set_role(v1::Role::STUDENT);
  options.hello.set_rank(RankOf(world));
  options.hello.set_worker(world.rank());
  options.hello.set_workers(world.size());
  *options.hello.mutable_process() = process::Self();
  options.sample = [&worker_progress] { return worker_progress.Heartbeat(); };
  options.on_message = [](const v1::OwnerMessage& message) {
    if (message.has_stop()) process::RequestStop();
  };
  return control::Client::Start(std::move(options));
}

int Main(int argc, char** argv) {
  process::OpenStandardStreams();
  process::InstallStopSignals();
  engine::PinMathEnvironment();
  machine::RaiseDescriptorLimit();
  InstallCrashHandler();
  InstallOutOfMemoryHandler();
  SetLogName("deit-worker");
  for (int i = 1; i < argc; ++i) {
    if (absl::string_view(argv[i]) == "--help" || absl::string_view(argv[i]) == "-h") return PrintHelp() < 0;
    if (absl::string_view(argv[i]) == "--version") return std::puts("deit " DEIT_VERSION) < 0;
  }
  if (const Status flags = CheckFlags(argc, argv); !flags.ok()) {
    Report(flags);
    return static_cast<int>(ExitCode::kBadConfig);
  }
  google::gflags_exitfunc = [](int) { std::_Exit(static_cast<int>(ExitCode::kBadConfig)); };
  gflags::ParseCommandLineNonHelpFlags(&argc, &argv, true);
  if (FLAGS_config.empty()) FLAGS_config = spec::FindDefaultJobFile();
  auto options = ReadOptions(argc, argv);
  if (!options.ok()) {
    Report(options.status());
    return static_cast<int>(ExitCode::kBadConfig);
  }
  const auto task = tasks::FindTask(FLAGS_task);
  if (!task.ok()) {
    Report(task.status());
    return static_cast<int>(ExitCode::kBadConfig);
  }
  if (FLAGS_task != "train") process::RestoreStopSignals();  // the others have nothing to save
  collective::SessionOptions session_options;
  session_options.job_id = SessionName();
  auto session = collective::StartSession(session_options);
  if (!session.ok()) {
    Report(session.status());
    return static_cast<int>(ExitCodeOf(session.status()));
  }
  const int worker = (*session)->world().rank();
  NameLog((*session)->world());
  control::WorkerProgress worker_progress;
  options->worker_progress = &worker_progress;
  std::unique_ptr<process::MessageCopy> message_copy;
  options->message_copy = &message_copy;
  auto control_client = StartControlClient((*session)->world(), worker_progress);
  const Status status = tasks::RunTask(**task, *options, **session);
  const ExitCode code = ExitCodeOf(status);
  const std::optional<int> reporting_rank = ReportingRank(status);
  if (!status.ok() && reporting_rank.value_or(worker) == worker) Report(status);
  if (!reporting_rank) (*session)->Abort(code);  // and ends the launch, so that no worker waits for this one
  control_client.reset();                        // tells the owner that this worker leaves in order
  (*session)->Finish(code);
}

}  // namespace
}  // namespace deit

int main(int argc, char** argv) { return deit::Main(argc, argv); }
