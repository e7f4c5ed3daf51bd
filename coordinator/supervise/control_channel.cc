#include "coordinator/supervise/control_channel.h"

#include <utility>

#include "common/control/control_address.h"
#include "common/control/token_file.h"

namespace deit::supervise {
namespace {

// The job's token; drawn at the first start.
StatusOr<std::string> TokenOf(const job::JobStore& store) {
  if (!store.state_folder()) {
    return WithHint(absl::FailedPreconditionError("the job's token has no place: the state folder cannot be written"),
                    "set DEIT_STATE_DIR to a folder that you can write to");
  }
  const std::string path = store.state_folder()->Token(store.job());
  auto token = control::ReadToken(path);
  return absl::IsNotFound(token.status()) ? control::CreateToken(path) : token;
}

}  // namespace

Status ControlChannel::Open(Handlers handlers) {
  handlers_ = std::move(handlers);
  control::ServerOptions options;
  options.job = store_.job();
  DEIT_ASSIGN_OR_RETURN(options.token, TokenOf(store_));
  options.handlers = {{v1::Role::STUDENT, this}};
  options.on_rejected = handlers_.on_rejected;
  DEIT_ASSIGN_OR_RETURN(server_, control::Server::Start(io_, std::move(options)));
  return control::WriteControlAddress(files::FileSystem::Posix(), store_.folder().Control(), server_->address());
}

void ControlChannel::Admit(int attempt, int workers) {
  if (attempt_ != 0) server_->Revoke(attempt_);
  attempt_ = attempt;
  stop_requested_ = false;
  server_->Admit(attempt, {.role = v1::Role::STUDENT, .workers = workers});
}

int ControlChannel::RequestStop() {
  stop_requested_ = true;
  int told = 0;
  for (const control::ConnectionId connection : connected_) told += SendStop(connection) ? 1 : 0;
  return told;
}

bool ControlChannel::SendStop(control::ConnectionId connection) {
  v1::OwnerMessage message;
  message.mutable_stop();
  return server_->Send(connection, message).ok();  // a connection that fails closes, and its worker comes back
}

void ControlChannel::OnHello(control::ConnectionId connection, const v1::Hello& hello) {
  connected_.insert(connection);
  // Its earlier connection may have closed before it was told.
  if (stop_requested_ && hello.launch() == attempt_) SendStop(connection);
  handlers_.on_hello({.connection = connection,
                      .launch = hello.launch(),
                      .worker = hello.worker(),
                      .workers = hello.workers(),
                      .process = hello.process(),
                      .rank = hello.rank()});
}

void ControlChannel::OnMessage(control::ConnectionId connection, const v1::WorkerMessage& message) {
  if (message.has_heartbeat()) handlers_.on_heartbeat(connection, message.heartbeat());
  else handlers_.on_leaving({connection});
}

void ControlChannel::OnClosed(control::ConnectionId connection, const std::string& /*cause*/) {
  connected_.erase(connection);
  handlers_.on_closed({connection});
}

const std::map<std::string, int64_t>& ControlChannel::rejected() const { return server_ ? server_->rejected() : rejected_; }

void ControlChannel::Close() {
  if (!server_) return;
  rejected_ = server_->rejected();
  server_.reset();
  connected_.clear();
}

}  // namespace deit::supervise
