#include "coordinator/status/job_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json/message_json.h"
#include "tests/coordinator/status/sample_jobs.h"

namespace deit::status {
namespace {

using ::testing::ElementsAre;

TEST(JobStatusTest, TheJsonOfARunningJob) {
  job::Observation seen = Alive(Record("7f3a0001", "deit-ti-cifar", v1::JobState::RUNNING, 3720));
  seen.record.mutable_workers()->DeleteSubrange(1, 1);
  seen.progress = ProgressAt(15012);
  v1::Refusals* refused = seen.record.add_refused();
  refused->set_cause("wrong token");
  refused->set_count(3);
  EXPECT_EQ(json::ToJsonText(MakeReport({seen}, {absl::DataLossError("/state/jobs/1.json: torn")}, kNow)), R"({
  "schema": "deit.status/v1",
  "generated_at": "2026-09-21T14:13:20.000Z",
  "jobs": [
    {
      "job": "7f3a0001",
      "name": "deit-ti-cifar",
      "state": "RUNNING",
      "reason": "",
      "hint": "",
      "run_dir": "/runs/deit-ti-cifar",
      "spec_digest": "00112233aabbccdd",
      "host": "n0",
      "attempt": 2,
      "restarts": 1,
      "max_restarts": 3,
      "workers_alive": 1,
      "workers_wanted": 2,
      "workers_min": 2,
      "workers_max": 2,
      "step": 15012,
      "steps": 375000,
      "epoch": 12,
      "epochs": 300,
      "loss": 3.2144,
      "val_acc1": 61.23,
      "images_per_second": 812.4,
      "eta_seconds": 11520,
      "created_at": "2026-09-21T13:11:20.000Z",
      "updated_at": "2026-09-21T14:13:19.500Z",
      "age_seconds": 3720,
      "updated_age_seconds": 0.5,
      "owner": {
        "host": "n0",
        "boot_id": "b00t",
        "pid": 100,
        "start_time": 4711,
        "pid_namespace": 0
      },
      "guardian": {
        "host": "n0",
        "boot_id": "b00t",
        "pid": 100,
        "start_time": 4711,
        "pid_namespace": 0
      },
      "workers": [
        {
          "worker": 0,
          "host": "n0",
          "pid": 101,
          "alive": true,
          "step": 15012,
          "phase": "forward",
          "heard_age_seconds": 0.2,
          "rank": 1
        }
      ],
      "refused": [
        {
          "cause": "wrong token",
          "count": 3
        }
      ]
    }
  ],
  "unreadable": [
    "/state/jobs/1.json: torn"
  ]
}
)");
}

TEST(JobStatusTest, WhatIsUnknownIsAbsentAndWhatHasEndedHasNoRate) {
  job::Observation seen = Ended(Record("6c010004", "x", v1::JobState::FAILED, 6000), 5400, 71);
  v1::JobStatus job = DescribeJob(seen, kNow);
  EXPECT_FALSE(job.has_step() || job.has_epoch() || job.has_loss() || job.has_val_acc1());
  EXPECT_EQ(job.ended_at(), "2026-09-21T12:43:20.000Z");
  EXPECT_EQ(job.exit_code(), 71);
  EXPECT_EQ(job.workers_alive(), 0);
  seen.progress = ProgressAt(40);
  job = DescribeJob(seen, kNow);
  EXPECT_EQ(job.step(), 40);
  EXPECT_FALSE(job.has_images_per_second() || job.has_eta_seconds());
}

TEST(JobStatusTest, EachStateIsJudgedNotRepeated) {
  std::map<std::string, std::string> states;
  const v1::StatusReport report = MakeReport(SampleJobs(), {}, kNow);
  for (const v1::JobStatus& job : report.jobs()) {
    states[job.name()] = v1::JobState::Value_Name(job.state());
  }
  EXPECT_EQ(states, (std::map<std::string, std::string>{{"deit-ti-cifar", "RUNNING"},
                                                        {"deit-s-kd", "RECOVERING"},
                                                        {"unsupervised", "RUNNING"},
                                                        {"deit-ti-smoke", "FAILED"},
                                                        {"student", "SUCCEEDED"},
                                                        {"teacher", "STOPPED"},
                                                        {"gone", "LOST"}}));
}

TEST(JobStatusTest, WhatRunsComesFirstAndTheNewestOfEach) {
  std::vector<std::string> names;
  const v1::StatusReport report = MakeReport(SampleJobs(), {}, kNow);
  for (const v1::JobStatus& job : report.jobs()) names.push_back(job.name());
  EXPECT_THAT(names, ElementsAre("unsupervised", "deit-s-kd", "deit-ti-cifar", "gone", "teacher", "deit-ti-smoke", "student"));
}

TEST(JobStatusTest, AClockThatWasSetBackGivesNoNegativeAge) {
  const v1::JobStatus job = DescribeJob(Alive(Record("7f3a0001", "x", v1::JobState::RUNNING, -50)), kNow - absl::Seconds(9));
  EXPECT_EQ(job.age_seconds(), 0);
  EXPECT_EQ(job.updated_age_seconds(), 0);
  EXPECT_EQ(job.workers(0).heard_age_seconds(), 0);
}

}  // namespace
}  // namespace deit::status
