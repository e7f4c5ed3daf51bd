// Control channel of a job as its controller's worker channel: token, server and the published address.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/control/server.h"
#include "common/job/job_store.h"
#include "coordinator/job/worker_channel.h"

namespace boost::asio {
class io_context;
}

namespace deit::supervise {

// `io` and `store` outlive it. Not thread-safe.
class ControlChannel final : public job::WorkerChannel, private control::MessageHandler {
 public:
  ControlChannel(boost::asio::io_context& io, const job::JobStore& store) : io_(io), store_(store) {}

  Status Open(Handlers handlers) override;
  void Admit(int attempt, int workers) override;
  int RequestStop() override;
  const std::map<std::string, int64_t>& rejected() const override;
  void Close() override;

 private:
  void OnHello(control::ConnectionId connection, const v1::Hello& hello) override;
  void OnMessage(control::ConnectionId connection, const v1::WorkerMessage& message) override;
  void OnClosed(control::ConnectionId connection, const std::string& cause) override;
  bool SendStop(control::ConnectionId connection);

  boost::asio::io_context& io_;
  const job::JobStore& store_;
  Handlers handlers_;
  std::unique_ptr<control::Server> server_;
  int attempt_ = 0;                            // admitted; 0: none
  bool stop_requested_ = false;                // of that attempt
  std::set<control::ConnectionId> connected_;  // its workers
  std::map<std::string, int64_t> rejected_;    // of a server that is closed
};

}  // namespace deit::supervise
