#include "common/job/job_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/json/json_file.h"
#include "common/run/run_folder.h"
#include "common/run/run_identity.h"
#include "tests/support/job_records.h"
#include "tests/support/temp_folder.h"

namespace deit::job {
namespace {

using testing::DeadProcess;
using ::testing::ElementsAre;
using testing::EndedRecord;
using ::testing::HasSubstr;
using testing::LivingProcess;
using testing::RecordOf;
using ::testing::StartsWith;
using testing::TempFolder;
using v1::JobState;

class JobRecordTest : public ::testing::Test {
 protected:
  JobRecordTest() { EXPECT_TRUE(MakeStateFolder(state_).ok()); }

  void Write(const v1::JobRecord& record) { EXPECT_TRUE(WriteJobRecord(fs_, state_, record).ok()); }
  bool Exists(const std::string& path) { return std::filesystem::exists(path); }

  std::vector<std::string> Ids() {
    std::vector<std::string> ids;
    const auto found = ListJobRecords(fs_, state_);
    EXPECT_TRUE(found.ok());
    for (const v1::JobRecord& record : found->records) ids.push_back(record.job());
    return ids;
  }

  // A run folder with an id, as a first start makes it.
  std::string MakeRun(const std::string& name) {
    const run::RunFolder folder(temp_ / name);
    EXPECT_TRUE(run::MakeRunFolder(fs_, folder).ok());
    const auto identity = run::ClaimIdentity(fs_, folder, {.spec_digest = "0011223344556677"}, [] { return std::string(); });
    EXPECT_TRUE(identity.ok());
    return identity->job;
  }

  TempFolder temp_;
  StateFolder state_{temp_ / "state"};
  files::FileSystem& fs_ = files::FileSystem::Posix();
};

TEST_F(JobRecordTest, ReadsWhatWasWritten) {
  const v1::JobRecord record = RecordOf("7f3a0001", JobState::RUNNING, LivingProcess());
  Write(record);
  const auto back = ReadJobRecord(fs_, state_, "7f3a0001");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->SerializeAsString(), record.SerializeAsString());
  EXPECT_TRUE(absl::IsNotFound(ReadJobRecord(fs_, state_, "7f3a0002").status()));
}

TEST_F(JobRecordTest, NoStateFolderIsNoJob) {
  const auto none = ListJobRecords(fs_, StateFolder(temp_ / "nowhere"));
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->records.empty());
  EXPECT_TRUE(absl::IsNotFound(FindJobRecord(fs_, StateFolder(temp_ / "nowhere"), "7f").status()));
}

TEST_F(JobRecordTest, UnreadableRecordsAreNamedAndTheOthersListed) {
  Write(RecordOf("7f3a0001", JobState::RUNNING, LivingProcess()));
  Write(RecordOf("7f3a0004", JobState::RUNNING, LivingProcess()));
  std::ofstream(state_.Record("7f3a0002")) << "{ torn";
  ASSERT_TRUE(json::WriteJsonFile(fs_, state_.Record("7f3a0003"), RecordOf("ffffffff", JobState::RUNNING, LivingProcess())).ok());
  std::ofstream(state_.Token("7f3a0001")) << "secret";
  std::ofstream(state_.Record("7f3a0005") + ".tmp") << "{";
  const auto found = ListJobRecords(fs_, state_);
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(Ids(), ElementsAre("7f3a0001", "7f3a0004"));
  ASSERT_EQ(found->unreadable.size(), 2u);
  EXPECT_THAT(std::string(found->unreadable[0].message()), StartsWith(state_.Record("7f3a0002") + ": not the JSON of a JobRecord"));
  EXPECT_EQ(found->unreadable[1].message(), state_.Record("7f3a0003") + ": is about job ffffffff");
}

TEST_F(JobRecordTest, AJobIsFoundByItsIdAndByABeginningThatIsItsAlone) {
  for (const char* job : {"7f3a0001", "7f3a0002", "81bc0001"}) Write(RecordOf(job, JobState::RUNNING, LivingProcess()));
  for (const char* word : {"8", "81bc", "81bc0001"}) EXPECT_EQ(FindJobRecord(fs_, state_, word)->job(), "81bc0001") << word;
  EXPECT_EQ(FindJobRecord(fs_, state_, "7f3a0002")->job(), "7f3a0002");
  const auto several = FindJobRecord(fs_, state_, "7f3a");
  EXPECT_TRUE(absl::IsInvalidArgument(several.status()));
  EXPECT_EQ(several.status().message(), "job: 7f3a: ambiguous job id prefix: matches 7f3a0001, 7f3a0002");
  EXPECT_EQ(HintOf(several.status()), "give more of its id");
  for (const char* word : {"9", "7f3a00011", "xyz", "", "7F3A0001"}) {
    const auto none = FindJobRecord(fs_, state_, word);
    EXPECT_TRUE(absl::IsNotFound(none.status())) << word;
    EXPECT_EQ(HintOf(none.status()), "deit-coord status lists the jobs");
  }
}

TEST_F(JobRecordTest, AJobIsFoundByItsRunFolderAlsoWhereThatWasMoved) {
  const std::string job = MakeRun("first");
  v1::JobRecord record = RecordOf(job, JobState::RUNNING, LivingProcess());
  record.set_run_dir(temp_ / "first");
  Write(record);
  EXPECT_EQ(FindJobRecord(fs_, state_, temp_ / "first")->job(), job);
  EXPECT_EQ(FindJobRecord(fs_, state_, temp_ / "./first/")->run_dir(), temp_ / "first");
  std::filesystem::rename(temp_ / "first", temp_ / "moved");
  EXPECT_EQ(FindJobRecord(fs_, state_, temp_ / "moved")->run_dir(), temp_ / "moved");

  std::filesystem::copy(temp_ / "moved", temp_ / "copy", std::filesystem::copy_options::recursive);
  EXPECT_TRUE(absl::IsNotFound(FindJobRecord(fs_, state_, temp_ / "copy").status())) << "a copy is no job before it is started";
  MakeRun("unknown");
  EXPECT_THAT(std::string(FindJobRecord(fs_, state_, temp_ / "unknown").status().message()), HasSubstr("is not known in " + state_.path()));
}

TEST_F(JobRecordTest, PruningKeepsWhatLivesAndTheNewestOfWhatIsOver) {
  for (int i = 0; i < 6; ++i) Write(EndedRecord(absl::StrFormat("e000000%d", i), JobState::SUCCEEDED, 0, 1'790'000'000.0 + (i * 7) % 6));
  Write(RecordOf("a0000001", JobState::RUNNING, LivingProcess()));
  v1::JobRecord elsewhere = RecordOf("a0000002", JobState::RUNNING, testing::ForeignProcess());
  elsewhere.set_updated(absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()));
  Write(elsewhere);
  v1::JobRecord worker_lives = RecordOf("a0000003", JobState::RUNNING, DeadProcess());
  *worker_lives.mutable_workers(1)->mutable_process() = LivingProcess();
  Write(worker_lives);
  Write(EndedRecord("e0000006", JobState::SUCCEEDED, 0, 1'780'000'000));  // it starts again
  v1::JobRecord lost = RecordOf("d0000001", JobState::RUNNING, DeadProcess());
  lost.set_updated(1'790'000'000.5);
  Write(lost);
  for (const char* job : {"e0000000", "e0000005"}) {
    std::ofstream(state_.Token(job)) << "secret";
    std::ofstream(state_.CancelRequest(job)) << "";
  }
  EXPECT_EQ(*PruneJobRecords(fs_, state_, "e0000006", 5), 2u);
  EXPECT_THAT(Ids(),
              ElementsAre("a0000001", "a0000002", "a0000003", "e0000001", "e0000002", "e0000003", "e0000004", "e0000005", "e0000006"));
  EXPECT_FALSE(Exists(state_.Token("e0000000")));
  EXPECT_FALSE(Exists(state_.CancelRequest("e0000000")));
  EXPECT_TRUE(Exists(state_.Token("e0000005")));
  EXPECT_EQ(*PruneJobRecords(fs_, state_, "e0000006", 5), 0u);
}

TEST_F(JobRecordTest, RecordsThatACrashEmptiedAreNamedAndGoAtTheNextStart) {
  Write(EndedRecord("aa000001", JobState::SUCCEEDED, 0, 5));
  const std::ofstream emptied(state_.Record("bb000001"));
  const auto found = ListJobRecords(fs_, state_);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->unreadable.size(), 1U);
  EXPECT_EQ(found->unreadable[0].message(),
            state_.Record("bb000001") + ": empty, as after a crash of the machine; the next start of any job removes it");
  EXPECT_EQ(*PruneJobRecords(fs_, state_, "cc000001"), 0U);
  EXPECT_FALSE(Exists(state_.Record("bb000001")));
  EXPECT_THAT(Ids(), ElementsAre("aa000001"));
  EXPECT_TRUE(ListJobRecords(fs_, state_)->unreadable.empty());
}

TEST_F(JobRecordTest, AJobOfAMachineThatIsGoneIsOverAfterADayOfSilence) {
  v1::JobRecord elsewhere = RecordOf("a0000002", JobState::RUNNING, testing::ForeignProcess());
  elsewhere.set_updated(absl::ToDoubleSeconds(absl::Now() - absl::Hours(25) - absl::UnixEpoch()));
  Write(elsewhere);
  EXPECT_EQ(*PruneJobRecords(fs_, state_, "e0000006", 0), 1u);
}

}  // namespace
}  // namespace deit::job
