// One test body on several workers: threads of this process, or the processes of a launch.
#pragma once

#include <functional>

#include "worker/collective/communicator.h"
#include "worker/collective/local_communicator.h"

namespace deit::testing {

using WorkerBody = std::function<void(collective::Communicator&)>;

// Runs `body` on `size` threads, each with its own member of a local group, and returns when all have ended. A member leaves the group
// as soon as its body returns. Bodies may use gtest's EXPECT macros.
void RunOnThreads(int size, const WorkerBody& body, const collective::LocalOptions& options = {});

// For main() of a test with WORKERS in deit_test: starts the session, runs all tests on every worker alike, ends the process (70 after
// a failure anywhere here). Worker 0 prints as usual, the others only failures.
[[noreturn]] void RunAllTestsOnWorkers(int argc, char** argv);

// The world of the launch, inside such tests.
collective::Communicator& LaunchWorld();

}  // namespace deit::testing
