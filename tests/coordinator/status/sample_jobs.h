// Jobs in every state, as `deit-coord status` would find them at kNow.
#pragma once

#include <string>
#include <vector>

#include "common/job/observation.h"
#include "tests/support/job_records.h"

namespace deit::status {

inline constexpr double kNowSeconds = 1'790'000'000;
inline const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

// A process whose identity is the same on every machine.
inline v1::ProcessIdentity Process(int64_t pid) {
  v1::ProcessIdentity process;
  process.set_host("n0");
  process.set_boot_id("b00t");
  process.set_pid(pid);
  process.set_start_time(4711);
  return process;
}

inline v1::JobRecord Record(const std::string& job, const std::string& name, v1::JobState::Value state, double age) {
  v1::JobRecord record = testing::RecordOf(job, state, Process(100));
  record.set_name(name);
  record.set_run_dir("/runs/" + name);
  record.set_spec_digest("00112233aabbccdd");
  for (v1::WorkerRecord& worker : *record.mutable_workers()) {
    worker.mutable_process()->set_pid(101 + worker.worker());
    worker.set_heard(kNowSeconds - 0.2);
  }
  record.set_created(kNowSeconds - age);
  record.set_updated(kNowSeconds - 0.5);
  return record;
}

inline job::Observation Alive(v1::JobRecord record) {
  const std::vector<process::Life> workers(static_cast<size_t>(record.workers_size()), process::Life::kAlive);
  return {.record = std::move(record),
          .progress = {},
          .evidence = {.owner = process::Life::kAlive, .guardian = process::Life::kAlive, .workers = workers}};
}

inline job::Observation Ended(v1::JobRecord record, double ended_ago, int exit_code) {
  record.set_ended(kNowSeconds - ended_ago);
  record.set_updated(record.ended());
  record.set_exit_code(exit_code);
  return {.record = std::move(record), .progress = {}, .evidence = {}};
}

inline v1::Progress ProgressAt(int64_t step) {
  v1::Progress progress;
  progress.set_time(kNowSeconds);
  progress.set_step(step);
  progress.set_steps(375000);
  progress.set_epoch(12);
  progress.set_epochs(300);
  progress.set_loss(3.2144);
  progress.set_val_acc1(61.23);
  progress.set_images_per_second(812.4);
  progress.set_eta_seconds(3.2 * 3600);
  return progress;
}

inline std::vector<job::Observation> SampleJobs() {
  std::vector<job::Observation> jobs;
  jobs.push_back(Alive(Record("7f3a0001", "deit-ti-cifar", v1::JobState::RUNNING, 3720)));
  jobs.back().progress = ProgressAt(15012);
  jobs.push_back(Alive(Record("81bc0002", "deit-s-kd", v1::JobState::RECOVERING, 240)));
  jobs.back().record.set_reason("worker 2 on n1: killed by signal 9 (Killed); attempt 3 of 4 starts in 2 s from step 12500");
  jobs.back().record.set_workers_min(1);
  jobs.back().record.set_workers_max(4);
  jobs.back().evidence.workers[1] = process::Life::kDead;
  jobs.back().progress = ProgressAt(12640);
  jobs.push_back(Alive(Record("0c010003", "unsupervised", v1::JobState::RUNNING, 90)));
  jobs.back().evidence.owner = process::Life::kDead;
  jobs.push_back(Ended(Record("6c010004", "deit-ti-smoke", v1::JobState::FAILED, 6000), 5400, 1));
  jobs.back().record.set_reason("worker 2 on n1: exit 71 (device failure)");
  jobs.back().record.set_hint("deit-coord logs 6c010004");
  jobs.back().progress = ProgressAt(40);
  jobs.back().progress->set_loss(std::numeric_limits<double>::quiet_NaN());
  jobs.push_back(Ended(Record("aa010005", "student", v1::JobState::SUCCEEDED, 90000), 86400, 0));
  jobs.push_back(Ended(Record("bb010006", "teacher", v1::JobState::STOPPED, 500), 400, 75));
  jobs.push_back({.record = Record("cc010007", "gone", v1::JobState::RUNNING, 300), .progress = {}, .evidence = {}});
  return jobs;
}

}  // namespace deit::status
