#include "common/control/control_address.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/json/json_file.h"
#include "common/process/identity.h"
#include "proto/job.pb.h"
#include "tests/support/temp_folder.h"

namespace deit::control {
namespace {

class ControlAddressFileTest : public ::testing::Test {
 protected:
  StatusOr<ControlAddress> Read() { return ReadControlAddress(fs_, path_); }

  deit::testing::TempFolder folder_;
  const std::string path_ = folder_ / "control.json";
  files::FileSystem& fs_ = files::FileSystem::Posix();
};

TEST(ControlAddressTest, IsLoopbackByDefault) { EXPECT_EQ(ToString({.port = 40123}), "127.0.0.1:40123"); }

TEST(ControlAddressTest, TextAndAddressAreEquivalent) {
  for (const std::string text : {"127.0.0.1:1", "10.0.0.7:40123", "[::1]:65535", "[2001:db8::7]:80"}) {
    const auto address = ParseControlAddress(text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(ToString(*address), text);
  }
  EXPECT_EQ(ParseControlAddress("[::1]:80")->host, "::1");
}

TEST(ControlAddressTest, AnythingElseIsAnError) {
  for (const char* text :
       {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x", "localhost:80", ":80",
        "127.0.0.1:99999999999999999999", "::1:80", "[127.0.0.1]:80", "[::1]", "[::1:80", "::1]:80", "[]:80", "10.0.0.256:80"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseControlAddress(text).status())) << text;
  }
}

TEST_F(ControlAddressFileTest, AnOwnersAddressIsFound) {
  EXPECT_TRUE(absl::IsNotFound(Read().status()));
  for (const std::string text : {"127.0.0.1:40123", "10.0.0.7:65535", "[::1]:1"}) {
    ASSERT_TRUE(WriteControlAddress(fs_, path_, ParseControlAddress(text).value()).ok());
    EXPECT_EQ(ToString(Read().value()), text);
  }
}

TEST_F(ControlAddressFileTest, AWildcardIsNotPublished) {
  for (const char* host : {"0.0.0.0", "::"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(WriteControlAddress(fs_, path_, {.host = host, .port = 80}))) << host;
  }
  EXPECT_TRUE(absl::IsNotFound(Read().status()));
}

TEST_F(ControlAddressFileTest, ADeadOwnersAddressIsNotFound) {
  v1::ControlAddress record;
  record.set_address("127.0.0.1:40123");
  *record.mutable_owner() = process::Self();
  record.mutable_owner()->set_start_time(record.owner().start_time() - 1);
  ASSERT_TRUE(json::ReplaceJsonFile(fs_, path_, record).ok());
  EXPECT_TRUE(absl::IsNotFound(Read().status()));
}

TEST_F(ControlAddressFileTest, AnotherHostsOwnerMayLive) {
  v1::ControlAddress record;
  record.set_address("10.0.0.7:40123");
  *record.mutable_owner() = process::Self();
  record.mutable_owner()->set_host("another-host");
  record.mutable_owner()->set_boot_id("another-boot");
  ASSERT_TRUE(json::ReplaceJsonFile(fs_, path_, record).ok());
  EXPECT_EQ(Read().value().host, "10.0.0.7");
}

TEST_F(ControlAddressFileTest, ABrokenFileIsDataLoss) {
  v1::ControlAddress record;
  record.set_address("localhost:80");
  *record.mutable_owner() = process::Self();
  ASSERT_TRUE(json::ReplaceJsonFile(fs_, path_, record).ok());
  EXPECT_TRUE(absl::IsDataLoss(Read().status()));
  for (const char* text : {"", "{", "[]", "{\"address\": 7}", "\xff\xfe"}) {
    std::ofstream(path_) << text;
    EXPECT_TRUE(absl::IsDataLoss(Read().status())) << text;
  }
}

}  // namespace
}  // namespace deit::control
