#include "coordinator/control/control_server.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/control/handshake.h"
#include "common/control/hmac.h"
#include "common/control/owner_side.h"
#include "common/control/refusal.h"

namespace deit::control {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kAcceptAgainAfter(100);

error_code LastError() { return error_code(errno, boost::system::system_category()); }

// A non-blocking socket that listens on a free port of 127.0.0.1. Programs that this process starts do not inherit it: they would keep
// the port open after the owner's end.
error_code Listen(tcp::acceptor& acceptor) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return LastError();
  error_code error;
  acceptor.assign(tcp::v4(), fd, error);
  if (!error) acceptor.bind(tcp::endpoint(asio::ip::address_v4::loopback(), 0), error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  return error;
}

// Of accept(2) and epoll_ctl(2): the connection stays in the kernel's queue, and trying again at once would be of no use.
bool IsShortage(const error_code& error) {
  const int number = error.value();
  return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM || number == ENOSPC;
}

// Whether `count` is 1, 10, 100, ...
bool IsPowerOfTen(int64_t count) {
  while (count % 10 == 0) count /= 10;
  return count == 1;
}

}  // namespace

// Lives as long as a coroutine or a timer needs it, which may be longer than the ControlServer.
class ControlServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, ControlServerOptions options, ControlCallbacks callbacks)
      : options_(std::move(options)), callbacks_(std::move(callbacks)), io_(io), acceptor_(io) {}

  Status Start() {
    const error_code error = Listen(acceptor_);
    if (error) return absl::UnavailableError(absl::StrCat("127.0.0.1: cannot listen: ", absl::AsciiStrToLower(error.message())));
    port_ = acceptor_.local_endpoint().port();
    asio::co_spawn(io_, Accept(shared_from_this()), asio::detached);
    return absl::OkStatus();
  }

  void Close() {
    closed_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    for (auto& [id, connection] : connections_) connection->Close();
    connections_.clear();
  }

  uint16_t port() const { return port_; }
  void SetAttempt(int attempt) { attempt_ = attempt; }
  const std::map<std::string, int64_t>& refused() const { return refused_; }

 private:
  struct Connection {
    Connection(int64_t connection_id, tcp::socket accepted, OwnerSide owner_side)
        : id(connection_id), socket(std::move(accepted)), deadline(socket.get_executor()), side(std::move(owner_side)) {}

    // Without waiting: the few hundred bytes that an owner ever says fit into a new socket's buffer. What fails here is seen by Read.
    void Send(const std::string& bytes) {
      error_code ignored;
      asio::write(socket, asio::buffer(bytes), ignored);
    }
    void Close() {
      error_code ignored;
      socket.close(ignored);
      deadline.cancel();
    }

    const int64_t id;
    tcp::socket socket;
    asio::steady_timer deadline;  // for the introduction
    OwnerSide side;
    std::array<char, 4096> buffer;
  };
  using ConnectionPtr = std::shared_ptr<Connection>;

  asio::awaitable<void> Accept([[maybe_unused]] std::shared_ptr<Impl> self) {
    asio::steady_timer pause(io_);
    for (;;) {
      co_await acceptor_.async_wait(tcp::acceptor::wait_read, kTuple);
      if (closed_) co_return;
      const int fd = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      tcp::socket socket(io_);
      error_code error = fd < 0 ? LastError() : error_code();
      if (!error) socket.assign(tcp::v4(), fd, error);
      if (!error) socket.non_blocking(true, error);
      if (!error) {
        Add(std::move(socket));
      } else if (IsShortage(error)) {
        Count(Refusal::kNoResources);
        pause.expires_after(kAcceptAgainAfter);
        co_await pause.async_wait(kTuple);
      }
      if (closed_) co_return;
    }
  }

  void Add(tcp::socket socket) {
    const Expected expected{.job = options_.job, .attempt = attempt_, .token = options_.token};
    auto connection = std::make_shared<Connection>(++last_id_, std::move(socket), OwnerSide(expected, RandomBytes(kNonceBytes)));
    connections_.emplace(connection->id, connection);
    connection->Send(connection->side.Challenge());
    connection->deadline.expires_after(absl::ToChronoNanoseconds(options_.introduction_deadline));
    connection->deadline.async_wait([self = shared_from_this(), connection](const error_code& error) {
      if (!error && !connection->side.introduced()) self->Refuse(connection, Refusal::kSilent);
    });
    asio::co_spawn(io_, Read(shared_from_this(), connection), asio::detached);
    if (connections_.size() > options_.max_connections) Refuse(LeastKnown(), Refusal::kCrowded);
  }

  // The oldest connection that is not introduced, else the newest.
  ConnectionPtr LeastKnown() const {
    for (const auto& [id, connection] : connections_) {
      if (!connection->side.introduced()) return connection;
    }
    return connections_.rbegin()->second;
  }

  asio::awaitable<void> Read([[maybe_unused]] std::shared_ptr<Impl> self, ConnectionPtr connection) {
    while (IsOpen(*connection)) {
      const auto [error, count] = co_await connection->socket.async_read_some(asio::buffer(connection->buffer), kTuple);
      if (!IsOpen(*connection)) co_return;
      if (!error) Hear(connection, absl::string_view(connection->buffer.data(), count));
      else Drop(connection, error == asio::error::eof ? "closed by the worker" : absl::AsciiStrToLower(error.message()));
    }
  }

  // Whether it is still served: callbacks may end anything.
  bool IsOpen(const Connection& connection) const { return connections_.count(connection.id) > 0; }

  void Hear(const ConnectionPtr& connection, absl::string_view bytes) {
    const OwnerSide::Heard heard = connection->side.Receive(bytes);
    if (heard.hello) callbacks_.on_hello(connection->id, *heard.hello);
    connection->Send(heard.reply);
    for (const v1::WorkerMessage& message : heard.messages) {
      if (!IsOpen(*connection)) return;
      if (message.has_heartbeat()) callbacks_.on_heartbeat(connection->id, message.heartbeat());
      else callbacks_.on_leaving(connection->id);
    }
    if (heard.refusal) Refuse(connection, *heard.refusal);
  }

  void Refuse(const ConnectionPtr& connection, Refusal refusal) {
    if (!IsOpen(*connection)) return;
    connection->Send(connection->side.Farewell(refusal));
    Drop(connection, CauseOf(refusal));
    Count(refusal);
  }

  void Drop(const ConnectionPtr& connection, const std::string& cause) {
    connection->Close();
    connections_.erase(connection->id);
    if (connection->side.introduced()) callbacks_.on_closed(connection->id, cause);
  }

  void Count(Refusal refusal) {
    const std::string cause = CauseOf(refusal);
    const int64_t count = ++refused_[cause];
    if (!closed_ && IsPowerOfTen(count)) callbacks_.on_refused(cause, count);
  }

  const ControlServerOptions options_;
  const ControlCallbacks callbacks_;
  asio::io_context& io_;
  tcp::acceptor acceptor_;
  uint16_t port_ = 0;
  int attempt_ = 0;  // nobody's: attempts count from 1
  int64_t last_id_ = 0;
  std::map<int64_t, ConnectionPtr> connections_;  // by id: the oldest first
  std::map<std::string, int64_t> refused_;
  bool closed_ = false;
};

ControlServer::ControlServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlServer::~ControlServer() { impl_->Close(); }

StatusOr<std::unique_ptr<ControlServer>> ControlServer::Start(asio::io_context& io, ControlServerOptions options,
                                                              ControlCallbacks callbacks) {
  auto impl = std::make_shared<Impl>(io, std::move(options), std::move(callbacks));
  DEIT_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

uint16_t ControlServer::port() const { return impl_->port(); }
void ControlServer::SetAttempt(int attempt) { impl_->SetAttempt(attempt); }
const std::map<std::string, int64_t>& ControlServer::refused() const { return impl_->refused(); }

}  // namespace deit::control
