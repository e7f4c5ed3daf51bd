#include "common/control/client.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/control/client_protocol.h"
#include "common/control/control_address.h"
#include "common/control/handshake.h"
#include "common/control/hmac.h"
#include "common/control/socket.h"
#include "common/control/token_file.h"

namespace deit::control {
namespace {

Status Lost(absl::string_view cause) { return absl::UnavailableError(absl::StrCat("owner: ", cause)); }
Status Lost(const Status& status) { return Lost(status.message()); }

absl::Duration Now() { return Clock::System().Elapsed(); }

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

// Ends a poll(2) of another thread.
class WakeUp {
 public:
  WakeUp() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (event_.fd() < 0) throw std::system_error(errno, std::system_category());
  }

  void Call() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(event_.fd(), &one, sizeof(one));  // fails only while it is set already
  }

  // Until `socket` (-1: none) can be read or is closed, until a call, or until `deadline`.
  void Wait(int socket, absl::Duration deadline) {
    std::array<pollfd, 2> waits = {pollfd{.fd = event_.fd(), .events = POLLIN, .revents = 0},
                                   pollfd{.fd = socket, .events = POLLIN, .revents = 0}};
    const timespec timeout = absl::ToTimespec(std::max(absl::ZeroDuration(), deadline - Now()));
    ::ppoll(waits.data(), waits.size(), &timeout, nullptr);
    uint64_t calls = 0;
    [[maybe_unused]] const ssize_t count = ::read(event_.fd(), &calls, sizeof(calls));
  }

 private:
  Socket event_;
};

}  // namespace

void LogConnectionChange(const Status& state) {
  if (state.ok()) LogInfo("owner: connected");
  else if (absl::IsPermissionDenied(state)) LogWarning(absl::StrCat(state.message(), "; training goes on without it"));
  else LogInfo(absl::StrCat(state.message(), "; training goes on without an owner"));
}

class Client::Impl {
 public:
  explicit Impl(ClientOptions options) : options_(std::move(options)) {
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { Run(); });
  }
  ~Impl() {
    ending_ = true;
    wake_up_.Call();
    thread_.join();
  }

  void SendNow() {
    send_now_ = true;
    wake_up_.Call();
  }

 private:
  void Run() {
    for (;;) {
      const Status ended = Connected();
      if (ending_) return;
      ReportChange(ended);
      if (!send_now_) wake_up_.Wait(-1, Now() + options_.interval);
      send_now_ = false;
    }
  }

  // One connection, from looking for the owner to its end, and the reason for that. OK: this worker leaves.
  Status Connected() {
    DEIT_ASSIGN_OR_RETURN(const ControlAddress address, ReadControlAddress(files::FileSystem::Posix(), options_.control_path));
    DEIT_ASSIGN_OR_RETURN(std::string token, ReadToken(options_.token_path));
    auto connected = Connect(address);
    if (!connected.ok()) return Lost(connected.status());
    const Socket socket = *std::move(connected);
    ClientProtocol protocol(options_.hello, std::move(token), RandomBytes(kNonceBytes));
    DEIT_RETURN_IF_ERROR(Authenticate(socket, protocol));
    if (ending_ && !protocol.authenticated()) return absl::OkStatus();
    ReportChange(absl::OkStatus());
    return Report(socket, protocol);
  }

  // Until the owner has admitted this worker, or this worker ends.
  Status Authenticate(const Socket& socket, ClientProtocol& protocol) {
    const absl::Duration deadline = Now() + options_.handshake_deadline;
    while (!protocol.authenticated() && !ending_) {
      if (Now() >= deadline) {
        return absl::DeadlineExceededError(
            absl::StrCat("owner: timed out after ", absl::FormatDuration(options_.handshake_deadline), " waiting for its admission"));
      }
      wake_up_.Wait(socket.fd(), deadline);
      DEIT_RETURN_IF_ERROR(Receive(socket, protocol));
    }
    return absl::OkStatus();
  }

  // Sends heartbeats and receives messages until this worker ends.
  Status Report(const Socket& socket, ClientProtocol& protocol) {
    v1::WorkerMessage message;
    absl::Duration due = Now();
    while (!ending_) {
      const bool at_once = send_now_.exchange(false);
      if (const absl::Duration now = Now(); at_once || now >= due) {
        *message.mutable_heartbeat() = options_.sample();
        DEIT_RETURN_IF_ERROR(Send(socket, protocol.Encode(message)));
        due = now + options_.interval;
      }
      wake_up_.Wait(socket.fd(), due);
      DEIT_RETURN_IF_ERROR(Receive(socket, protocol));
    }
    message.mutable_leaving();
    return Send(socket, protocol.Encode(message));
  }

  // What there is to receive; without waiting.
  Status Receive(const Socket& socket, ClientProtocol& protocol) {
    std::array<char, 4096> bytes;
    const auto count = ReceiveSome(socket.fd(), bytes.data(), bytes.size());
    if (!count.ok()) return Lost(count.status());
    if (!*count) return absl::OkStatus();
    if (**count == 0) return Lost("has closed the connection");
    DEIT_ASSIGN_OR_RETURN(const auto result, protocol.Receive(absl::string_view(bytes.data(), **count)));
    for (const v1::OwnerMessage& message : result.messages) options_.on_message(message);
    return Send(socket, result.reply);
  }

  // Without waiting: the socket's buffer takes hours of heartbeats.
  static Status Send(const Socket& socket, const std::string& bytes) {
    if (bytes.empty()) return absl::OkStatus();
    const auto sent = SendSome(socket.fd(), bytes);
    if (!sent.ok()) return Lost(sent.status());
    return *sent == bytes.size() ? absl::OkStatus() : Lost("send buffer full (owner is not reading)");
  }

  // While there is no owner every attempt to connect fails alike, give or take the words.
  void ReportChange(const Status& now) {
    const bool rejected = absl::IsPermissionDenied(now);
    const bool changed = rejected ? now != last_ : now.ok() != last_.ok();
    if (!changed) return;
    last_ = now;
    options_.on_change(now);
  }

  const ClientOptions options_;
  WakeUp wake_up_;
  std::atomic<bool> send_now_{false}, ending_{false};
  Status last_;  // reported; the thread's
  std::thread thread_;
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

std::unique_ptr<Client> Client::Start(ClientOptions options) {
  std::unique_ptr<Impl> impl;
  try {
    impl = std::make_unique<Impl>(std::move(options));
  } catch (const std::exception& error) {  // no descriptors, no threads
    LogWarning(absl::StrCat("control channel: cannot start: ", error.what(), "; the owner will not see this worker"));
  }
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

void Client::SendNow() {
  if (impl_) impl_->SendNow();
}

}  // namespace deit::control
