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
  std::unique_ptr<control::Server> server;
  std::thread thread;
};

ControlOwner::ControlOwner(control::ServerOptions options, int workers) : thread_(std::make_unique<Thread>()) {
  options.handlers = {{v1::Role::STUDENT, this}, {v1::Role::TEACHER, this}};
  options.on_rejected = [this](const std::string& cause, int64_t count) {
    Record([&](Received& received) { received.rejected.emplace_back(cause, count); });
  };
  auto server = control::Server::Start(thread_->io, std::move(options));
  DEIT_CHECK(server.ok(), server.status().message());
  thread_->server = *std::move(server);
  thread_->server->Admit(1, {.role = v1::Role::STUDENT, .workers = workers});
  thread_->thread = std::thread([this] { thread_->io.run(); });
}

ControlOwner::~ControlOwner() {
  thread_->Do([this] { thread_->server.reset(); });
  thread_->work.reset();
  thread_->thread.join();
}

const control::ControlAddress& ControlOwner::address() const { return thread_->server->address(); }

ControlOwner::Received ControlOwner::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

std::map<std::string, int64_t> ControlOwner::rejected() const {
  std::map<std::string, int64_t> rejected;
  Do([&](control::Server& server) { rejected = server.rejected(); });
  return rejected;
}

void ControlOwner::Admit(int launch, const control::AdmittedLaunch& admitted) {
  Do([&](control::Server& server) { server.Admit(launch, admitted); });
}

void ControlOwner::Revoke(int launch) {
  Do([&](control::Server& server) { server.Revoke(launch); });
}

Status ControlOwner::Send(int64_t connection, const v1::OwnerMessage& message) {
  Status status;
  Do([&](control::Server& server) { status = server.Send(connection, message); });
  return status;
}

void ControlOwner::Do(const std::function<void(control::Server&)>& action) const {
  thread_->Do([&] { action(*thread_->server); });
}

bool ControlOwner::Await(const std::function<bool(const Received&)>& wanted) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, absl::ToChronoNanoseconds(kTimeout), [&] { return wanted(received_); });
}

bool ControlOwner::AwaitRejected(const std::string& cause, int64_t count) const {
  const absl::Time deadline = absl::Now() + kTimeout;
  while (absl::Now() < deadline) {
    const auto counts = rejected();
    if (const auto it = counts.find(cause); it != counts.end() && it->second >= count) return true;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return false;
}

void ControlOwner::OnHello(control::ConnectionId connection, const v1::Hello& hello) {
  Record([&](Received& received) { received.hellos.emplace_back(connection, hello); });
}

void ControlOwner::OnMessage(control::ConnectionId connection, const v1::WorkerMessage& message) {
  Record([&](Received& received) {
    if (message.has_heartbeat()) received.heartbeats.emplace_back(connection, message.heartbeat());
    if (message.has_leaving()) received.leavings.push_back(connection);
  });
}

void ControlOwner::OnClosed(control::ConnectionId connection, const std::string& cause) {
  Record([&](Received& received) { received.closed.emplace_back(connection, cause); });
}

void ControlOwner::Record(const std::function<void(Received&)>& change) {
  const std::lock_guard lock(mutex_);
  change(received_);
  changed_.notify_all();
}

}  // namespace deit::testing
