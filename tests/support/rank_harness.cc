#include "tests/support/rank_harness.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "worker/collective/session.h"

namespace deit::testing {
namespace {

collective::Session* session = nullptr;

class FailurePrinter final : public ::testing::EmptyTestEventListener {
 public:
  explicit FailurePrinter(int rank) : rank_(rank) {}

 private:
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    const std::string place = absl::StrCat(result.file_name() == nullptr ? "" : result.file_name(), ":", result.line_number());
    LogError(absl::StrCat("worker ", rank_, ": ", place, ": ", result.message()));
  }
  int rank_;
};

}  // namespace

void RunOnThreads(int size, const WorkerBody& body, const collective::LocalOptions& options) {
  std::vector<std::unique_ptr<collective::Communicator>> members = collective::NewLocalGroup(size, options);
  std::vector<std::jthread> threads;
  for (std::unique_ptr<collective::Communicator>& member : members) {
    threads.emplace_back([&body, own = std::move(member)] { body(*own); });
  }
}

void RunAllTestsOnWorkers(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  StatusOr<std::unique_ptr<collective::Session>> started = collective::StartSession({.job_id = "test", .setup_limit = absl::Seconds(30)});
  if (!started.ok()) {
    LogError(started.status().message());
    std::exit(static_cast<int>(ExitCodeOf(started.status())));
  }
  session = started->get();
  if (session->world().rank() > 0) {
    ::testing::TestEventListeners& listeners = ::testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter(session->world().rank()));
  }
  session->Finish(RUN_ALL_TESTS() == 0 ? ExitCode::kDone : ExitCode::kInternal);
}

collective::Communicator& LaunchWorld() {
  DEIT_CHECK(session != nullptr, "only inside RunAllTestsOnWorkers");
  return session->world();
}

}  // namespace deit::testing
