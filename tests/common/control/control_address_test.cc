#include "common/control/control_address.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/json/json_file.h"
#include "common/process/identity.h"
#include "proto/job.pb.h"
#include "tests/support/temp_folder.h"

namespace deit::control {
namespace {

class ControlAddressTest : public ::testing::Test {
 protected:
  StatusOr<uint16_t> Read() { return ReadControlAddress(fs_, path_); }

  deit::testing::TempFolder folder_;
  const std::string path_ = folder_ / "control.json";
  files::FileSystem& fs_ = files::FileSystem::Posix();
};

TEST_F(ControlAddressTest, AnOwnersPortIsFound) {
  EXPECT_TRUE(absl::IsNotFound(Read().status()));
  ASSERT_TRUE(WriteControlAddress(fs_, path_, 40123).ok());
  EXPECT_EQ(Read().value(), 40123);
  ASSERT_TRUE(WriteControlAddress(fs_, path_, 65535).ok());
  EXPECT_EQ(Read().value(), 65535);
}

TEST_F(ControlAddressTest, ADeadOwnersPortIsNobodys) {
  v1::ControlAddress record;
  record.set_address("127.0.0.1:40123");
  *record.mutable_owner() = process::Self();
  record.mutable_owner()->set_start_time(record.owner().start_time() - 1);
  ASSERT_TRUE(json::ReplaceJsonFile(fs_, path_, record).ok());
  EXPECT_TRUE(absl::IsNotFound(Read().status()));
}

TEST_F(ControlAddressTest, NothingButAPortOfThisMachineIsAnAddress) {
  v1::ControlAddress record;
  *record.mutable_owner() = process::Self();
  for (const char* address : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x",
                              "10.0.0.1:80", "localhost:80", "127.0.0.1:99999999999999999999"}) {
    record.set_address(address);
    ASSERT_TRUE(json::ReplaceJsonFile(fs_, path_, record).ok());
    EXPECT_TRUE(absl::IsDataLoss(Read().status())) << address;
  }
  for (const char* text : {"", "{", "[]", "{\"address\": 7}", "\xff\xfe"}) {
    std::ofstream(path_) << text;
    EXPECT_TRUE(absl::IsDataLoss(Read().status())) << text;
  }
}

}  // namespace
}  // namespace deit::control
