#include "common/control/server.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/control/handshake.h"
#include "common/control/hmac.h"
#include "common/control/rejection.h"
#include "common/control/server_protocol.h"
#include "common/control/socket.h"

namespace deit::control {
namespace {

using boost::asio::io_context;
using boost::asio::steady_timer;
using boost::asio::posix::stream_descriptor;
using boost::system::error_code;

constexpr std::chrono::milliseconds kAcceptAgainAfter(100);

// Of accept(2): the connection stays in the kernel's queue.
bool IsShortage(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

bool IsPowerOfTen(int64_t count) {
  while (count % 10 == 0) count /= 10;
  return count == 1;
}

struct Connection {
  Connection(io_context& io, ConnectionId connection_id, ServerProtocol server_protocol)
      : id(connection_id), descriptor(io), handshake_deadline(io), protocol(std::move(server_protocol)) {}

  void Close() {
    error_code ignored;
    descriptor.close(ignored);
    handshake_deadline.cancel();
  }

  const ConnectionId id;
  stream_descriptor descriptor;
  steady_timer handshake_deadline;
  ServerProtocol protocol;
  MessageHandler* handler = nullptr;  // once authenticated
  std::string outbox;                 // bytes that the kernel does not take yet
  bool flushing = false;              // a wait for the kernel to take them is in flight
  Status failure;                     // why nothing can be sent any more
};
using ConnectionPtr = std::shared_ptr<Connection>;

}  // namespace

size_t DefaultMaxConnections() {
  constexpr size_t kMost = 256;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMost;
  return static_cast<size_t>(std::clamp<rlim_t>(limit.rlim_cur / 4, 1, kMost));
}

// Lives until the last of its operations has left the io_context, which may be after the Server.
class Server::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(io_context& io, ServerOptions options)
      : options_(std::move(options)), rules_{.job = options_.job, .token = options_.token, .launches = {}}, io_(io), listener_(io),
        accept_again_(io) {}

  Status Start() {
    DEIT_RETURN_IF_ERROR(Annotate(Listen(), absl::StrCat(ToString(options_.bind), ": cannot listen")));
    AwaitConnection();
    return absl::OkStatus();
  }

  void Close(std::function<void()> on_ended) {
    if (closed_) return;
    closed_ = true;
    on_ended_ = std::move(on_ended);
    error_code ignored;
    listener_.close(ignored);
    accept_again_.cancel();
    for (auto& [id, connection] : connections_) connection->Close();
    connections_.clear();
  }

  const ControlAddress& address() const { return address_; }
  const std::map<std::string, int64_t>& rejected() const { return rejected_; }

  void Admit(int launch, const AdmittedLaunch& admitted) {
    DEIT_CHECK(options_.handlers.count(admitted.role) > 0, v1::Role::Value_Name(admitted.role));
    rules_.launches[launch] = admitted;
  }
  void Revoke(int launch) { rules_.launches.erase(launch); }

  Status Send(ConnectionId id, const v1::OwnerMessage& message) {
    const auto it = connections_.find(id);
    if (it == connections_.end() || !it->second->handler || !it->second->failure.ok()) {
      return absl::NotFoundError(absl::StrCat("connection ", id, ": closed"));
    }
    const ConnectionPtr& connection = it->second;
    connection->outbox += connection->protocol.Encode(message);
    Flush(connection);
    return connection->failure;
  }

 private:
  // The completion handler of an operation: runs `action` and counts the operation's end.
  template <typename Action>
  auto Operation(Action action) {
    ++operations_;
    return [self = shared_from_this(), action = std::move(action)](const error_code& error) {
      action(error);
      if (--self->operations_ == 0 && self->on_ended_) std::exchange(self->on_ended_, nullptr)();
    };
  }

  Status Listen() {
    DEIT_ASSIGN_OR_RETURN(Socket socket, control::Listen(options_.bind));
    DEIT_ASSIGN_OR_RETURN(address_, LocalAddressOf(socket));
    error_code error;
    listener_.assign(socket.fd(), error);
    if (error) return absl::UnavailableError(absl::AsciiStrToLower(error.message()));
    socket.Release();
    return absl::OkStatus();
  }

  void AwaitConnection() {
    if (closed_) return;
    listener_.async_wait(stream_descriptor::wait_read, Operation([this](const error_code&) {
                           if (!closed_) Accept();
                         }));
  }

  void Accept() {
    Socket socket(::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.fd() >= 0) {
      Add(std::move(socket));
    } else if (IsShortage(errno)) {
      if (const ConnectionPtr stranger = OldestStranger()) Reject(stranger, {RejectionCause::kCrowded});
      else return AcceptLater();
    }
    AwaitConnection();
  }

  void AcceptLater() {
    Count(RejectionCause::kNoResources);
    if (closed_) return;
    accept_again_.expires_after(kAcceptAgainAfter);
    accept_again_.async_wait(Operation([this](const error_code&) { AwaitConnection(); }));
  }

  void Add(Socket socket) {
    auto connection = std::make_shared<Connection>(io_, ++last_id_, ServerProtocol(&rules_, RandomBytes(kNonceBytes)));
    error_code error;
    connection->descriptor.assign(socket.fd(), error);
    if (error) return Count(RejectionCause::kNoResources);  // of epoll
    socket.Release();
    connections_.emplace(connection->id, connection);
    connection->outbox = connection->protocol.Challenge();
    Flush(connection);
    connection->handshake_deadline.expires_after(absl::ToChronoNanoseconds(options_.handshake_deadline));
    connection->handshake_deadline.async_wait(Operation([this, connection](const error_code& canceled) {
      if (!canceled && !connection->handler) Reject(connection, {RejectionCause::kTimedOut});
    }));
    AwaitBytes(connection);
    if (connections_.size() <= options_.max_connections) return;
    const ConnectionPtr stranger = OldestStranger();
    Reject(stranger ? stranger : connection, {RejectionCause::kCrowded});
  }

  // Of the connections that are not authenticated; null: there is none.
  ConnectionPtr OldestStranger() const {
    const auto it = std::find_if(connections_.begin(), connections_.end(), [](const auto& entry) { return !entry.second->handler; });
    return it == connections_.end() ? nullptr : it->second;
  }

  void AwaitBytes(const ConnectionPtr& connection) {
    connection->descriptor.async_wait(stream_descriptor::wait_read, Operation([this, connection](const error_code&) {
                                        if (!IsOpen(*connection)) return;
                                        Receive(connection);
                                        if (IsOpen(*connection)) AwaitBytes(connection);
                                      }));
  }

  // Any call of a handler may have closed it.
  bool IsOpen(const Connection& connection) const { return connections_.count(connection.id) > 0; }

  void Receive(const ConnectionPtr& connection) {
    std::array<char, 4096> bytes;
    const auto count = ReceiveSome(connection->descriptor.native_handle(), bytes.data(), bytes.size());
    if (!count.ok()) return Drop(connection, std::string(count.status().message()));
    if (!*count) return;
    if (**count == 0) return Drop(connection, "closed by the worker");
    const auto result = connection->protocol.Receive(absl::string_view(bytes.data(), **count));
    if (result.hello) {
      connection->outbox += result.reply;  // the handler may send more
      connection->handler = options_.handlers.at(result.hello->role());
      connection->handshake_deadline.cancel();
      connection->handler->OnHello(connection->id, *result.hello);
      if (IsOpen(*connection)) Flush(connection);
    }
    for (const v1::WorkerMessage& message : result.messages) {
      if (!IsOpen(*connection)) return;
      connection->handler->OnMessage(connection->id, message);
    }
    if (result.rejection) Reject(connection, *result.rejection);
  }

  // Sends what the kernel takes, and the rest later.
  void Flush(const ConnectionPtr& connection) {
    if (!connection->flushing && !connection->outbox.empty()) {
      const auto sent = SendSome(connection->descriptor.native_handle(), connection->outbox);
      if (!sent.ok()) return Fail(*connection, sent.status());
      connection->outbox.erase(0, *sent);
    }
    if (connection->outbox.size() > options_.max_queued_bytes) {
      return Fail(*connection, absl::ResourceExhaustedError("send queue full (worker is not reading)"));
    }
    if (connection->outbox.empty() || connection->flushing) return;
    connection->flushing = true;
    connection->descriptor.async_wait(stream_descriptor::wait_write, Operation([this, connection](const error_code&) {
                                        connection->flushing = false;
                                        if (IsOpen(*connection)) Flush(connection);
                                      }));
  }

  // Makes the wait for bytes end, which then drops the connection: a sender is never called back.
  static void Fail(Connection& connection, Status failure) {
    connection.failure = std::move(failure);
    connection.outbox.clear();
    ::shutdown(connection.descriptor.native_handle(), SHUT_RDWR);
  }

  void Reject(const ConnectionPtr& connection, const Rejection& rejection) {
    if (!IsOpen(*connection)) return;
    connection->outbox += connection->protocol.RejectionFrame(rejection);
    Flush(connection);
    Drop(connection, ToString(rejection.cause));
    Count(rejection.cause);
  }

  void Drop(const ConnectionPtr& connection, const std::string& cause) {
    connection->Close();
    connections_.erase(connection->id);
    if (!connection->handler) return;
    connection->handler->OnClosed(connection->id, connection->failure.ok() ? cause : std::string(connection->failure.message()));
  }

  void Count(RejectionCause rejection) {
    const std::string cause = ToString(rejection);
    const int64_t count = ++rejected_[cause];
    if (!closed_ && IsPowerOfTen(count)) options_.on_rejected(cause, count);
  }

  const ServerOptions options_;
  AdmissionRules rules_;
  io_context& io_;
  stream_descriptor listener_;
  steady_timer accept_again_;
  ControlAddress address_;
  ConnectionId last_id_ = 0;
  std::map<ConnectionId, ConnectionPtr> connections_;  // the oldest first
  std::map<std::string, int64_t> rejected_;
  int64_t operations_ = 0;  // in the io_context
  bool closed_ = false;
  std::function<void()> on_ended_;
};

Server::Server(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { impl_->Close(nullptr); }

StatusOr<std::unique_ptr<Server>> Server::Start(io_context& io, ServerOptions options) {
  auto impl = std::make_shared<Impl>(io, std::move(options));
  DEIT_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

const ControlAddress& Server::address() const { return impl_->address(); }
void Server::Admit(int launch, const AdmittedLaunch& admitted) { impl_->Admit(launch, admitted); }
void Server::Revoke(int launch) { impl_->Revoke(launch); }
Status Server::Send(ConnectionId connection, const v1::OwnerMessage& message) { return impl_->Send(connection, message); }
void Server::Close(std::function<void()> on_ended) { impl_->Close(std::move(on_ended)); }
const std::map<std::string, int64_t>& Server::rejected() const { return impl_->rejected(); }

}  // namespace deit::control
