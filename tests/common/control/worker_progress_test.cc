#include "common/control/worker_progress.h"

#include <gtest/gtest.h>

namespace deit::control {
namespace {

TEST(WorkerProgressTest, BeginsBeforeAnyTraining) {
  const v1::Heartbeat heartbeat = WorkerProgress().Heartbeat();
  EXPECT_EQ(heartbeat.phase(), "start");
  EXPECT_EQ(heartbeat.step(), 0);
  EXPECT_EQ(heartbeat.first_step(), -1);
  EXPECT_FALSE(heartbeat.has_loaded());
  EXPECT_FALSE(heartbeat.has_first_done());
}

TEST(WorkerProgressTest, TellsStepPhaseAndTheMomentsOfAStart) {
  WorkerProgress worker_progress;
  worker_progress.Loaded(40, absl::FromUnixSeconds(100));
  EXPECT_EQ(worker_progress.Heartbeat().step(), 40) << "a resumed attempt has done what its checkpoint holds";
  worker_progress.Report(40, "compute");
  worker_progress.StepDone(41, 0.25, absl::FromUnixSeconds(101));
  worker_progress.StepDone(42, 0.5, absl::FromUnixSeconds(102));
  const v1::Heartbeat heartbeat = worker_progress.Heartbeat();
  EXPECT_EQ(heartbeat.step(), 42);
  EXPECT_EQ(heartbeat.phase(), "compute");
  EXPECT_EQ(heartbeat.first_step(), 40);
  EXPECT_EQ(heartbeat.loaded(), 100);
  EXPECT_EQ(heartbeat.first_done(), 101);
  EXPECT_EQ(heartbeat.step_seconds(), 0.5);
}

}  // namespace
}  // namespace deit::control
