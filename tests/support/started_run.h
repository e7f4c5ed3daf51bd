// A run folder with a started attempt and its state folder, for tests of what attempts leave there.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "common/run/run_folder.h"
#include "tests/support/temp_folder.h"

namespace deit::testing {

// While it lives DEIT_STATE_DIR names its state folder.
class StartedRun {
 public:
  StartedRun() {
    ::setenv("DEIT_STATE_DIR", state().c_str(), 1);
    EXPECT_TRUE(run::MakeRunFolder(files::FileSystem::Posix(), folder_).ok());
    EXPECT_EQ(run::StartAttempt(files::FileSystem::Posix(), folder_).value(), 1);
  }
  ~StartedRun() { ::unsetenv("DEIT_STATE_DIR"); }
  StartedRun(const StartedRun&) = delete;
  StartedRun& operator=(const StartedRun&) = delete;

  const TempFolder& temp() const { return temp_; }
  const run::RunFolder& folder() const { return folder_; }
  std::string state() const { return temp_ / "state"; }

 private:
  TempFolder temp_;
  run::RunFolder folder_{temp_ / "run"};
};

}  // namespace deit::testing
