#include "common/base/output_queue.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/base/mutex.h"

namespace deit {
namespace {

constexpr size_t kMostBytes = 1 << 20;

class OutputQueue {
 public:
  void Push(int fd, absl::string_view text) {
    const MutexLock lock(mutex_);
    texts_.push_back({fd, std::string(text)});
    bytes_ += text.size();
    while (bytes_ > kMostBytes && texts_.size() > 1) {
      bytes_ -= texts_.front().text.size();
      texts_.pop_front();
      ++dropped_;
    }
    changed_.NotifyAll();
  }

  bool Waits() {
    const MutexLock lock(mutex_);
    return IsBusy();
  }

  bool Flush(absl::Duration limit) {
    const bool forever = limit == absl::InfiniteDuration();
    const auto end = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(forever ? absl::ZeroDuration() : limit);
    const MutexLock lock(mutex_);
    while (IsBusy()) {
      if (forever) changed_.Wait(mutex_);
      else if (!changed_.WaitUntil(mutex_, end)) return !IsBusy();
    }
    return true;
  }

  [[noreturn]] void Run() {
    for (;;) {
      const Text next = Take();
      WriteDirectly(next.fd, next.text);
      const MutexLock lock(mutex_);
      writing_ = false;
      changed_.NotifyAll();
    }
  }

 private:
  struct Text {
    int fd;
    std::string text;
  };

  bool IsBusy() const DEIT_REQUIRES(mutex_) { return writing_ || !texts_.empty(); }

  Text Take() {
    const MutexLock lock(mutex_);
    while (texts_.empty()) changed_.Wait(mutex_);
    writing_ = true;
    if (dropped_ > 0) {
      const std::string line = absl::StrCat("(", dropped_, dropped_ == 1 ? " line was" : " lines were", " dropped: not read in time)\n");
      dropped_ = 0;
      return {STDERR_FILENO, line};
    }
    Text next = std::move(texts_.front());
    texts_.pop_front();
    bytes_ -= next.text.size();
    return next;
  }

  Mutex mutex_;
  CondVar changed_;
  std::deque<Text> texts_ DEIT_GUARDED_BY(mutex_);
  size_t bytes_ DEIT_GUARDED_BY(mutex_) = 0;
  size_t dropped_ DEIT_GUARDED_BY(mutex_) = 0;    // since the last word about it
  bool writing_ DEIT_GUARDED_BY(mutex_) = false;  // a text that was taken
};

std::atomic<OutputQueue*> queue{nullptr};  // never destroyed: its thread may be in a write that does not end

}  // namespace

void StartOutputQueue() {
  auto* const started = new OutputQueue();
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are the other threads'
  std::thread([started] { started->Run(); }).detach();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  queue.store(started);
}

void WriteOutput(int fd, absl::string_view text) {
  if (OutputQueue* const running = queue.load()) running->Push(fd, text);
  else WriteDirectly(fd, text);
}

void WriteDirectly(int fd, absl::string_view text) {
  while (fd >= 0 && !text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

bool OutputWaits() {
  OutputQueue* const running = queue.load();
  return running != nullptr && running->Waits();
}

bool FlushOutput(absl::Duration limit) {
  OutputQueue* const running = queue.load();
  return running == nullptr || running->Flush(limit);
}

}  // namespace deit
