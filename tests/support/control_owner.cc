#include "tests/support/control_owner.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "absl/time/clock.h"
#include "common/base/status.h"

namespace deit::testing {

struct ControlOwner::Thread {
  // Runs `action` on the thread and waits for it.
  template <typename Action>
  void Do(Action action) {
    std::promise<void> done;
    boost::asio::post(io, [&] {
      action();
      done.set_value();
    });
    done.get_future().wait();
  }

  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::unique_ptr<control::ControlServer> server;
  std::thread thread;
};

ControlOwner::ControlOwner(control::ControlServerOptions options) : thread_(std::make_unique<Thread>()) {
  const auto note = [this](auto list) {
    return [this, list](auto... what) {
      const std::lock_guard lock(mutex_);
      (said_.*list).emplace_back(what...);
      changed_.notify_all();
    };
  };
  auto server = control::ControlServer::Start(thread_->io, std::move(options),
                                              {.on_hello = note(&Said::hellos),
                                               .on_heartbeat = note(&Said::heartbeats),
                                               .on_leaving = note(&Said::leavings),
                                               .on_closed = note(&Said::closed),
                                               .on_refused = note(&Said::refused)});
  DEIT_CHECK(server.ok(), server.status().message());
  thread_->server = *std::move(server);
  thread_->server->SetAttempt(1);
  thread_->thread = std::thread([this] { thread_->io.run(); });
}

ControlOwner::~ControlOwner() {
  thread_->Do([this] { thread_->server.reset(); });
  thread_->work.reset();
  thread_->thread.join();
}

uint16_t ControlOwner::port() const { return thread_->server->port(); }

ControlOwner::Said ControlOwner::said() const {
  const std::lock_guard lock(mutex_);
  return said_;
}

std::map<std::string, int64_t> ControlOwner::refused() const {
  std::map<std::string, int64_t> refused;
  thread_->Do([&] { refused = thread_->server->refused(); });
  return refused;
}

void ControlOwner::SetAttempt(int attempt) {
  thread_->Do([&] { thread_->server->SetAttempt(attempt); });
}

bool ControlOwner::Await(const std::function<bool(const Said&)>& wanted) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, absl::ToChronoNanoseconds(kTimeout), [&] { return wanted(said_); });
}

bool ControlOwner::AwaitRefused(const std::string& cause, int64_t count) const {
  const absl::Time deadline = absl::Now() + kTimeout;
  while (absl::Now() < deadline) {
    const auto counts = refused();
    if (const auto it = counts.find(cause); it != counts.end() && it->second >= count) return true;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return false;
}

}  // namespace deit::testing
