#include "coordinator/status/status_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/status/job_status.h"
#include "tests/coordinator/status/sample_jobs.h"

namespace deit::status {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Said(const v1::StatusReport& before, const v1::StatusReport& after) {
  std::vector<std::string> said;
  for (const v1::StatusChange& change : ChangesBetween(before, after)) {
    said.push_back(v1::StatusChange::Type_Name(change.type()) + " " + change.object().name());
  }
  return said;
}

v1::StatusReport ReportOf(const std::vector<job::Observation>& seen, absl::Time now = kNow) { return MakeReport(seen, {}, now); }

TEST(StatusChangesTest, AtFirstEveryJobIsNew) {
  EXPECT_THAT(Said({}, ReportOf({Alive(Record("7f3a0001", "a", v1::JobState::RUNNING, 9)),
                                 Alive(Record("7f3a0002", "b", v1::JobState::RUNNING, 99))})),
              ElementsAre("ADDED a", "ADDED b"));
}

TEST(StatusChangesTest, TimeAloneIsNoChange) {
  std::vector<job::Observation> seen = {Alive(Record("7f3a0001", "a", v1::JobState::RUNNING, 9))};
  const v1::StatusReport before = ReportOf(seen);
  seen[0].record.set_updated(seen[0].record.updated() + 4);
  EXPECT_THAT(Said(before, ReportOf(seen, kNow + absl::Seconds(5))), IsEmpty());
}

TEST(StatusChangesTest, WhatChangedCameOrWentIsSaid) {
  const job::Observation stays = Alive(Record("7f3a0001", "stays", v1::JobState::RUNNING, 9));
  job::Observation trains = Alive(Record("7f3a0002", "trains", v1::JobState::RUNNING, 9));
  job::Observation dies = Alive(Record("7f3a0003", "dies", v1::JobState::RUNNING, 9));
  const job::Observation goes = Alive(Record("7f3a0004", "goes", v1::JobState::RUNNING, 9));
  const job::Observation comes = Alive(Record("7f3a0005", "comes", v1::JobState::RUNNING, 9));
  trains.progress = ProgressAt(12);
  const v1::StatusReport before = ReportOf({stays, trains, dies, goes});
  trains.progress = ProgressAt(13);
  dies.evidence.workers[1] = process::Life::kDead;
  EXPECT_THAT(Said(before, ReportOf({stays, trains, dies, comes})),
              ElementsAre("MODIFIED trains", "MODIFIED dies", "ADDED comes", "DELETED goes"));
}

}  // namespace
}  // namespace deit::status
