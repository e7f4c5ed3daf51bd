#include "common/base/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace deit {
namespace {

class Counter {
 public:
  void Add() {
    const MutexLock lock(mutex_);
    ++value_;
    changed_.NotifyAll();
  }

  void WaitFor(int value) {
    const MutexLock lock(mutex_);
    while (value_ < value) changed_.Wait(mutex_);
  }

  bool WaitFor(int value, std::chrono::steady_clock::time_point deadline) {
    const MutexLock lock(mutex_);
    while (value_ < value) {
      if (!changed_.WaitUntil(mutex_, deadline)) return false;
    }
    return true;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int value_ DEIT_GUARDED_BY(mutex_) = 0;
};

TEST(MutexTest, KeepsThreadsApart) {
  Counter counter;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) counter.Add();
      });
    }
    counter.WaitFor(4000);
  }
  EXPECT_TRUE(counter.WaitFor(4000, {})) << "what is true already needs no time";
}

TEST(CondVarTest, EndsItsWaitAtTheDeadline) {
  Counter counter;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
  EXPECT_FALSE(counter.WaitFor(1, deadline));
  EXPECT_GE(std::chrono::steady_clock::now(), deadline);
  counter.Add();  // the mutex is free again
  EXPECT_TRUE(counter.WaitFor(1, std::chrono::steady_clock::now() + std::chrono::seconds(30)));
}

}  // namespace
}  // namespace deit
