// Mutual exclusion that clang checks: which mutex guards a member, and which one a function needs, is written in the code and verified by
// clang -Wthread-safety (tests/checks/thread_annotations.py). Under gcc the annotations are empty.
// The primitives are std::mutex and std::condition_variable, which the thread sanitizer sees into; the packaged Abseil is not instrumented.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define DEIT_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define DEIT_THREAD_ANNOTATION(x)
#endif

// On a member: read and written only while `mutex` is held. (The form for what a smart pointer points to does not take libstdc++'s.)
#define DEIT_GUARDED_BY(mutex) DEIT_THREAD_ANNOTATION(guarded_by(mutex))
// On a function: the caller holds the mutex.
#define DEIT_REQUIRES(...) DEIT_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
// On the primitives below.
#define DEIT_CAPABILITY(name) DEIT_THREAD_ANNOTATION(capability(name))
#define DEIT_SCOPED_CAPABILITY DEIT_THREAD_ANNOTATION(scoped_lockable)
#define DEIT_ACQUIRE(...) DEIT_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define DEIT_RELEASE(...) DEIT_THREAD_ANNOTATION(release_capability(__VA_ARGS__))

namespace deit {

// A non-recursive mutex. Locked through MutexLock.
class DEIT_CAPABILITY("mutex") Mutex {
 public:
  void Lock() DEIT_ACQUIRE() { mutex_.lock(); }
  void Unlock() DEIT_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds a mutex from construction to destruction.
class DEIT_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) DEIT_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() DEIT_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// A condition variable. Waits may end without a notification, so callers loop on their condition:
//   while (!ready_) changed_.Wait(mutex_);
// There is no form with a predicate: clang does not know that a lambda runs with the mutex held.
class CondVar {
 public:
  void Wait(Mutex& mutex) DEIT_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }

  // False once `deadline` has passed.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline) DEIT_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }

  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace deit
