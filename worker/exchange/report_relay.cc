#include "worker/exchange/report_relay.h"

#include <atomic>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/log.h"
#include "worker/exchange/context.h"

namespace deit::exchange {
namespace {

using collective::Buffer;
using collective::ElementType;
using collective::Transfer;

constexpr absl::Duration kInterval = absl::Seconds(1);
constexpr absl::Duration kLook = absl::Milliseconds(20);  // between two looks at messages and urgent reports

}  // namespace

class ReportRelay::Thread {
 public:
  Thread(collective::Communicator* world, WorkerReports* reports) : world_(*world), reports_(*reports) {
    const Topology& topology = reports->topology();
    for (int node = 0; node < topology.nodes(); ++node) {
      if (node == reports->node()) continue;
      const auto& members = topology.members[static_cast<size_t>(node)];
      peers_.push_back({members, std::vector<uint64_t>(members.size() * kReportFlags), nullptr, {}, nullptr});
    }
    thread_ = std::thread([this] { Run(); });
  }

  ~Thread() {
    stopping_ = true;
    thread_.join();
  }

 private:
  // The first worker of another node.
  struct Peer {
    std::vector<int> members;
    std::vector<uint64_t> arriving;
    std::unique_ptr<Transfer> receive;
    std::vector<uint64_t> leaving;
    std::unique_ptr<Transfer> send;
    bool lost = false;
  };

  static Buffer Words(std::vector<uint64_t>& words) { return {words.data(), words.size(), ElementType::kUint64}; }

  void Run() {
    absl::Duration next = Clock::System().Elapsed();
    uint64_t urgent = 0;
    while (!stopping_) {
      for (Peer& peer : peers_) {
        if (!peer.lost) peer.lost = !Receive(peer).ok();
      }
      const uint64_t now_urgent = Urgent();
      const absl::Duration now = Clock::System().Elapsed();
      if (now >= next || now_urgent != urgent) {
        bool all = true;
        for (Peer& peer : peers_) all = Send(peer) && all;
        if (all) urgent = now_urgent;
        next = now + kInterval;
      }
      absl::SleepFor(kLook);
    }
  }

  // Changes when a stop or a step given up is to be told.
  uint64_t Urgent() const {
    uint64_t sum = 0;
    for (const int w : Members()) sum += reports_.Of(w, kStop) + reports_.Of(w, kGivenUp);
    return sum;
  }

  const std::vector<int>& Members() const { return reports_.topology().members[static_cast<size_t>(reports_.node())]; }

  Status Receive(Peer& peer) {
    if (peer.receive != nullptr) {
      DEIT_ASSIGN_OR_RETURN(const bool arrived, peer.receive->Test());
      if (!arrived) return absl::OkStatus();
      for (size_t k = 0; k < peer.members.size(); ++k) {
        for (size_t flag = 0; flag < kReportFlags; ++flag) {
          reports_.memory().remote_reports().Set(peer.members[k], flag, peer.arriving[k * kReportFlags + flag]);
        }
      }
    }
    DEIT_ASSIGN_OR_RETURN(peer.receive, world_.Receive(Words(peer.arriving), peer.members[0], ReportTag()));
    return absl::OkStatus();
  }

  // False while the message before is still under way.
  bool Send(Peer& peer) {
    if (peer.lost) return true;
    if (peer.send != nullptr) {
      const auto done = peer.send->Test();
      peer.lost = !done.ok();
      if (peer.lost) return true;
      if (!*done) return false;
    }
    peer.leaving.clear();
    for (const int w : Members()) {
      for (size_t flag = 0; flag < kReportFlags; ++flag) peer.leaving.push_back(reports_.Of(w, static_cast<Flag>(flag)));
    }
    auto sent = world_.Send(Words(peer.leaving), peer.members[0], ReportTag());
    peer.lost = !sent.ok();
    if (sent.ok()) peer.send = *std::move(sent);
    return true;
  }

  collective::Communicator& world_;
  WorkerReports& reports_;
  std::vector<Peer> peers_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

ReportRelay::ReportRelay(std::unique_ptr<Thread> thread) : thread_(std::move(thread)) {}
ReportRelay::~ReportRelay() = default;

std::unique_ptr<ReportRelay> ReportRelay::Start(collective::Communicator* world, WorkerReports* reports) {
  if (reports->topology().nodes() == 1 || reports->member() != 0) return nullptr;
  try {
    return std::unique_ptr<ReportRelay>(new ReportRelay(std::make_unique<Thread>(world, reports)));
  } catch (const std::system_error& error) {
    LogWarning(absl::StrCat("other nodes will not hear of this one's progress: ", error.what()));
    return nullptr;
  }
}

}  // namespace deit::exchange
