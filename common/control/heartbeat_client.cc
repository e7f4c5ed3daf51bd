#include "common/control/heartbeat_client.h"

#include <signal.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <thread>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/log.h"
#include "common/control/control_address.h"
#include "common/control/handshake.h"
#include "common/control/hmac.h"
#include "common/control/token_file.h"
#include "common/control/worker_side.h"

namespace deit::control {
namespace {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

Status Lost(absl::string_view cause) { return absl::UnavailableError(absl::StrCat("owner: ", cause)); }
Status ToStatus(const error_code& error) { return error ? Lost(absl::AsciiStrToLower(error.message())) : absl::OkStatus(); }

// A non-blocking socket of this process alone: programs that it starts do not inherit it, or its end would go unseen.
Status Open(tcp::socket& socket) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return ToStatus(error_code(errno, boost::system::system_category()));
  error_code error;
  socket.assign(tcp::v4(), fd, error);
  if (!error) socket.non_blocking(true, error);
  if (!error) socket.set_option(tcp::no_delay(true), error);
  return ToStatus(error);
}

// Without waiting: the socket's buffer takes hours of heartbeats. One that is full means an owner that has not read for so long.
Status Send(tcp::socket& socket, const std::string& bytes) {
  error_code error;
  asio::write(socket, asio::buffer(bytes), error);
  return error == asio::error::would_block ? Lost("does not read what it is told") : ToStatus(error);
}

// Threads inherit the signal mask: signals are the main thread's.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

class HeartbeatClient::Impl {
 public:
  explicit Impl(HeartbeatOptions options) : options_(std::move(options)) {
    asio::co_spawn(io_, Run(), asio::detached);
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Impl() {
    asio::post(io_, [this] {
      ending_ = true;
      if (welcome_) pause_.cancel();  // says that it leaves, then returns
      else io_.stop();
    });
    thread_.join();
  }

  void Nudge() {
    asio::post(io_, [this] {
      nudged_ = true;
      pause_.cancel();
    });
  }

 private:
  asio::awaitable<void> Run() {
    while (!ending_) {
      Say(co_await Visit());
      co_await Pause();
    }
  }

  // One connection, from looking for the owner to its end; why it ended. OK: this worker left.
  asio::awaitable<Status> Visit() {
    tcp::socket socket(io_);
    const auto port = ReadControlAddress(files::FileSystem::Posix(), options_.control_path);
    if (!port.ok()) co_return port.status();
    auto token = ReadToken(options_.token_path);
    if (!token.ok()) co_return token.status();
    WorkerSide side(options_.hello, *std::move(token), RandomBytes(kNonceBytes));
    const auto introduced = co_await (Introduce(socket, side, *port) || WelcomeDeadline());
    const Status status = std::visit([](const Status& first) { return first; }, introduced);
    if (!status.ok()) co_return status;
    Say(status);
    welcome_ = true;
    const auto ended = co_await (Report(socket, side) || Listen(socket, side));
    welcome_ = false;
    co_return std::visit([](const Status& first) { return first; }, ended);
  }

  asio::awaitable<Status> Introduce(tcp::socket& socket, WorkerSide& side, uint16_t port) {
    const Status opened = Open(socket);
    if (!opened.ok()) co_return opened;
    const tcp::endpoint owner(asio::ip::address_v4::loopback(), port);
    const auto [error] = co_await socket.async_connect(owner, kTuple);
    if (error) co_return ToStatus(error);
    while (!side.welcome()) {
      const Status heard = co_await Hear(socket, side);
      if (!heard.ok()) co_return heard;
    }
    co_return absl::OkStatus();
  }

  asio::awaitable<Status> WelcomeDeadline() {
    asio::steady_timer timer(io_, absl::ToChronoNanoseconds(options_.welcome_deadline));
    co_await timer.async_wait(kTuple);
    co_return absl::DeadlineExceededError(absl::StrCat("owner: no welcome within ", absl::FormatDuration(options_.welcome_deadline)));
  }

  // Tells the owner where this worker is, until it leaves.
  asio::awaitable<Status> Report(tcp::socket& socket, WorkerSide& side) {
    v1::WorkerMessage message;
    while (!ending_) {
      *message.mutable_heartbeat() = options_.sample();
      const Status sent = Send(socket, side.Tell(message));
      if (!sent.ok()) co_return sent;
      co_await Pause();
    }
    message.set_leaving(true);
    co_return Send(socket, side.Tell(message));
  }

  // An owner that has welcomed a worker says nothing more: this waits for its end.
  asio::awaitable<Status> Listen(tcp::socket& socket, WorkerSide& side) {
    for (;;) {
      const Status heard = co_await Hear(socket, side);
      if (!heard.ok()) co_return heard;
    }
  }

  // Waits for bytes and answers them.
  asio::awaitable<Status> Hear(tcp::socket& socket, WorkerSide& side) {
    std::array<char, 1024> bytes;
    const auto [error, count] = co_await socket.async_read_some(asio::buffer(bytes), kTuple);
    if (error == asio::error::eof) co_return Lost("has closed the connection");
    if (error) co_return ToStatus(error);
    const auto reply = side.Receive(absl::string_view(bytes.data(), count));
    if (!reply.ok()) co_return reply.status();
    co_return Send(socket, *reply);
  }

  // The interval, or less: until a nudge or the end.
  asio::awaitable<void> Pause() {
    if (!nudged_ && !ending_) {
      pause_.expires_after(absl::ToChronoNanoseconds(options_.interval));
      co_await pause_.async_wait(kTuple);
    }
    nudged_ = false;
  }

  // Once per change: while there is no owner each look ends alike, give or take the words.
  void Say(const Status& now) {
    const bool refused = absl::IsPermissionDenied(now);
    if (now.ok() && !last_.ok()) LogInfo("owner: found");
    if (refused && now != last_) LogWarning(absl::StrCat(now.message(), "; training goes on without it"));
    if (!refused && !now.ok() && last_.ok()) LogInfo(absl::StrCat(now.message(), "; training goes on without an owner"));
    if (now.ok() || refused || last_.ok()) last_ = now;
  }

  const HeartbeatOptions options_;

  // The background thread's.
  asio::io_context io_{1};
  asio::steady_timer pause_{io_};
  bool nudged_ = false;
  bool ending_ = false;
  bool welcome_ = false;  // the owner has let this worker in and listens
  Status last_;           // what was said last

  std::thread thread_;
};

HeartbeatClient::HeartbeatClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HeartbeatClient::~HeartbeatClient() = default;

std::unique_ptr<HeartbeatClient> HeartbeatClient::Start(HeartbeatOptions options) {
  std::unique_ptr<Impl> impl;
  try {
    impl = std::make_unique<Impl>(std::move(options));
  } catch (const std::exception& error) {  // no descriptors, no threads
    LogWarning(absl::StrCat("heartbeats: ", error.what(), ": the owner will not hear of this worker"));
  }
  return std::unique_ptr<HeartbeatClient>(new HeartbeatClient(std::move(impl)));
}

void HeartbeatClient::Nudge() {
  if (impl_) impl_->Nudge();
}

}  // namespace deit::control
