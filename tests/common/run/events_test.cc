#include "common/run/events.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/fake_clock.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::run {
namespace {

TEST(EventLogTest, OneLinePerEventWithItsTypeAndSubject) {
  testing::TempFolder folder;
  testing::FakeClock clock;
  const std::string path = folder / "events.jsonl";
  std::ofstream(path) << "{\"time\":1,\"type\":\"NORMAL\"}\n{\"time\":17900";
  auto log = EventLog::Open(path, clock);
  ASSERT_TRUE(log.ok());
  clock.Sleep(absl::Milliseconds(1250));
  EXPECT_TRUE(log->Record(v1::Event::CheckpointCommitted, "step 120 saved", {.attempt = 2, .step = 120, .worker = {}}).ok());
  EXPECT_TRUE(log->Record(v1::Event::JobFailed, "loss not finite").ok());
  EXPECT_EQ(testing::ReadFile(path),
            "{\"time\":1,\"type\":\"NORMAL\"}\n"
            "{\"time\":1790000001.25,\"type\":\"NORMAL\",\"reason\":\"CheckpointCommitted\","
            "\"attempt\":2,\"step\":120,\"message\":\"step 120 saved\"}\n"
            "{\"time\":1790000001.25,\"type\":\"WARNING\",\"reason\":\"JobFailed\",\"message\":\"loss not finite\"}\n");
}

}  // namespace
}  // namespace deit::run
