#include "worker/collective/mpi_communicator.h"

#include <mpi.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/digest.h"
#include "worker/collective/buffer_checks.h"
#include "worker/collective/exit_guard.h"
#include "worker/collective/shared_memory.h"
#include "worker/collective/worker_order.h"

namespace deit::collective {
namespace {

Status StatusOf(int code, const char* call) {
  if (code == MPI_SUCCESS) return absl::OkStatus();
  std::array<char, MPI_MAX_ERROR_STRING> text = {};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  int error_class = MPI_ERR_UNKNOWN;
  MPI_Error_class(code, &error_class);
  const std::string message = absl::StrCat(call, ": ", text.data());
  return error_class == MPI_ERR_TRUNCATE ? absl::InvalidArgumentError(message) : absl::UnavailableError(message);
}

MPI_Datatype TypeOf(ElementType type) {
  switch (type) {
    case ElementType::kUint8: return MPI_UINT8_T;
    case ElementType::kBFloat16: return MPI_UINT16_T;  // summed by an operation of ours
    case ElementType::kFloat32: return MPI_FLOAT;
    case ElementType::kUint64: return MPI_UINT64_T;
  }
  DEIT_CHECK(false, "element type ", static_cast<int>(type));
}

void AddBFloat16(void* source, void* target, int* count, MPI_Datatype* /*type*/) {
  AddInto(ElementType::kBFloat16, target, source, static_cast<size_t>(*count));
}

MPI_Op SumOf(ElementType type) {
  if (type != ElementType::kBFloat16) return MPI_SUM;
  static const MPI_Op sum = [] {
    MPI_Op made = MPI_OP_NULL;
    MPI_Op_create(&AddBFloat16, /*commute=*/1, &made);
    return made;
  }();
  return sum;
}

// The counts and offsets of parts as MPI wants them, kept while an operation runs.
struct Layout {
  explicit Layout(const std::vector<size_t>& all) : counts(all.begin(), all.end()), offsets(all.size()) {
    std::exclusive_scan(counts.begin(), counts.end(), offsets.begin(), 0);
  }
  std::vector<int> counts;
  std::vector<int> offsets;
};

class MpiTransfer final : public Transfer {
 public:
  MPI_Request* request() { return &request_; }
  void KeepLayout(std::unique_ptr<Layout> layout) { layout_ = std::move(layout); }
  void ExpectMessage(const Buffer& buffer) {
    expected_ = buffer;
    is_receive_ = true;
  }

  ~MpiTransfer() override {
    if (request_ == MPI_REQUEST_NULL || layout_ != nullptr) return;  // a collective operation cannot be withdrawn
    if (is_receive_) {
      MPI_Cancel(&request_);
      MPI_Request_free(&request_);
    }
  }

  StatusOr<bool> Test() override {
    DEIT_RETURN_IF_ERROR(error_);
    if (request_ == MPI_REQUEST_NULL) return true;
    int done = 0;
    MPI_Status status;
    error_ = StatusOf(MPI_Test(&request_, &done, &status), "MPI_Test");
    DEIT_RETURN_IF_ERROR(error_);
    if (done == 0) return false;
    if (is_receive_) error_ = CheckReceived(status);
    DEIT_RETURN_IF_ERROR(error_);
    return true;
  }

 private:
  Status CheckReceived(const MPI_Status& status) const {
    int count = 0;
    MPI_Get_count(&status, TypeOf(expected_.type), &count);
    if (count >= 0 && static_cast<size_t>(count) == expected_.count) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("message: ", count, " elements from worker ", status.MPI_SOURCE, ": ", expected_.count, " were expected"));
  }

  MPI_Request request_ = MPI_REQUEST_NULL;
  std::unique_ptr<Layout> layout_;
  Buffer expected_;
  bool is_receive_ = false;
  Status error_;
};

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator(MPI_Comm communicator, const SessionOptions& options) : communicator_(communicator), options_(options) {
    MPI_Comm_set_errhandler(communicator_, MPI_ERRORS_RETURN);
    MPI_Comm_rank(communicator_, &rank_);
    MPI_Comm_size(communicator_, &size_);
  }
  ~MpiCommunicator() override {
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (finalized == 0) MPI_Comm_free(&communicator_);
  }

  // The members of `parent` whose ranks are `members`, as a communicator. Blocks until all of them have come.
  static StatusOr<std::unique_ptr<MpiCommunicator>> Make(MPI_Comm parent, const std::vector<int>& members, std::string_view name,
                                                         const SessionOptions& options) {
    const std::string event = absl::StrCat("not all of workers ", absl::StrJoin(members, ", "), " came to form group ", std::string(name));
    const ExitGuard guard({options.setup_limit}, {event, ""});
    MPI_Group all = MPI_GROUP_NULL, group = MPI_GROUP_NULL;
    MPI_Comm made = MPI_COMM_NULL;
    DEIT_RETURN_IF_ERROR(StatusOf(MPI_Comm_group(parent, &all), "MPI_Comm_group"));
    DEIT_RETURN_IF_ERROR(StatusOf(MPI_Group_incl(all, static_cast<int>(members.size()), members.data(), &group), "MPI_Group_incl"));
    const int tag = static_cast<int>(Digest64(name.data(), name.size()) % 32768);
    const Status status = StatusOf(MPI_Comm_create_group(parent, group, tag, &made), "MPI_Comm_create_group");
    MPI_Group_free(&group);
    MPI_Group_free(&all);
    DEIT_RETURN_IF_ERROR(status);
    return std::make_unique<MpiCommunicator>(made, options);
  }

  // The world of the launch, each host's ranks in a row.
  static StatusOr<std::unique_ptr<MpiCommunicator>> MakeWorld(const std::string& host, const SessionOptions& options) {
    int size = 0;
    DEIT_RETURN_IF_ERROR(StatusOf(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size"));
    std::vector<int> ranks(static_cast<size_t>(size));
    std::iota(ranks.begin(), ranks.end(), 0);
    DEIT_ASSIGN_OR_RETURN(std::unique_ptr<MpiCommunicator> launch, Make(MPI_COMM_WORLD, ranks, "launch", options));
    launch->launch_ranks_ = std::move(ranks);
    DEIT_RETURN_IF_ERROR(launch->ExchangeHosts(host));
    const std::vector<int> order = RankOfWorkers(launch->hosts());
    if (order == launch->launch_ranks_) return launch;
    DEIT_ASSIGN_OR_RETURN(std::unique_ptr<MpiCommunicator> world, Make(MPI_COMM_WORLD, order, "world", options));
    world->Inherit(*launch, order);
    return world;
  }

  // Tells all members this process's host name, and learns theirs.
  Status ExchangeHosts(std::string_view own) {
    constexpr size_t kBytes = 256;
    std::vector<char> names(kBytes * static_cast<size_t>(size_));
    char* place = names.data() + kBytes * static_cast<size_t>(rank_);
    own.copy(place, kBytes - 1);
    DEIT_ASSIGN_OR_RETURN(const std::unique_ptr<Transfer> transfer,
                          AllGather({.data = place, .count = kBytes}, std::vector<size_t>(static_cast<size_t>(size_), kBytes),
                                    {.data = names.data(), .count = names.size()}));
    DEIT_RETURN_IF_ERROR(Wait(*transfer, {options_.setup_limit}, [] { return WaitDescription{"not all workers started", ""}; }));
    for (size_t start = 0; start < names.size(); start += kBytes) hosts_.emplace_back(names.data() + start);
    return absl::OkStatus();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  const std::vector<std::string>& hosts() const override { return hosts_; }
  const std::vector<int>& launch_ranks() const override { return launch_ranks_; }

  StatusOr<std::unique_ptr<Transfer>> Send(Buffer buffer, int peer, int tag) override {
    DEIT_RETURN_IF_ERROR(CheckMessage(buffer, peer, tag, size_));
    auto transfer = std::make_unique<MpiTransfer>();
    const int count = static_cast<int>(buffer.count);
    const int code = MPI_Isend(buffer.data, count, TypeOf(buffer.type), peer, tag, communicator_, transfer->request());
    return Started(code, "MPI_Isend", std::move(transfer));
  }

  StatusOr<std::unique_ptr<Transfer>> Receive(Buffer buffer, int peer, int tag) override {
    DEIT_RETURN_IF_ERROR(CheckMessage(buffer, peer, tag, size_));
    auto transfer = std::make_unique<MpiTransfer>();
    transfer->ExpectMessage(buffer);
    const int count = static_cast<int>(buffer.count);
    const int code = MPI_Irecv(buffer.data, count, TypeOf(buffer.type), peer, tag, communicator_, transfer->request());
    return Started(code, "MPI_Irecv", std::move(transfer));
  }

  StatusOr<std::unique_ptr<Transfer>> AllReduce(Buffer buffer) override {
    DEIT_RETURN_IF_ERROR(CheckBuffer(buffer));
    auto transfer = std::make_unique<MpiTransfer>();
    transfer->KeepLayout(std::make_unique<Layout>(std::vector<size_t>{}));
    const int count = static_cast<int>(buffer.count);
    const int code =
        MPI_Iallreduce(MPI_IN_PLACE, buffer.data, count, TypeOf(buffer.type), SumOf(buffer.type), communicator_, transfer->request());
    return Started(code, "MPI_Iallreduce", std::move(transfer));
  }

  StatusOr<std::unique_ptr<Transfer>> ReduceScatter(Buffer input, const std::vector<size_t>& counts, Buffer output) override {
    DEIT_RETURN_IF_ERROR(CheckParts(input, counts, output, rank_, size_));
    auto transfer = std::make_unique<MpiTransfer>();
    auto layout = std::make_unique<Layout>(counts);
    const int code = MPI_Ireduce_scatter(input.data, output.data, layout->counts.data(), TypeOf(input.type), SumOf(input.type),
                                         communicator_, transfer->request());
    transfer->KeepLayout(std::move(layout));
    return Started(code, "MPI_Ireduce_scatter", std::move(transfer));
  }

  StatusOr<std::unique_ptr<Transfer>> AllGather(Buffer input, const std::vector<size_t>& counts, Buffer output) override {
    DEIT_RETURN_IF_ERROR(CheckParts(output, counts, input, rank_, size_));
    auto transfer = std::make_unique<MpiTransfer>();
    auto layout = std::make_unique<Layout>(counts);
    const size_t own_offset = static_cast<size_t>(layout->offsets[static_cast<size_t>(rank_)]) * SizeOf(output.type);
    const bool in_place = input.data == static_cast<std::byte*>(output.data) + own_offset;
    const void* source = in_place ? MPI_IN_PLACE : input.data;
    const int code = MPI_Iallgatherv(source, static_cast<int>(input.count), TypeOf(input.type), output.data, layout->counts.data(),
                                     layout->offsets.data(), TypeOf(output.type), communicator_, transfer->request());
    transfer->KeepLayout(std::move(layout));
    return Started(code, "MPI_Iallgatherv", std::move(transfer));
  }

  StatusOr<std::unique_ptr<Communicator>> Subgroup(const std::vector<int>& members, std::string_view name) override {
    DEIT_RETURN_IF_ERROR(CheckMembers(members, rank_, size_));
    DEIT_ASSIGN_OR_RETURN(std::unique_ptr<MpiCommunicator> group, Make(communicator_, members, name, options_));
    group->Inherit(*this, members);
    return group;
  }

  StatusOr<std::unique_ptr<SharedMemory>> Share(size_t bytes) override {
    return ShareOnNode(*this, bytes, options_.shared_memory_room, {options_.setup_limit});
  }

 private:
  // Names and numbers of `members` of `parent`.
  void Inherit(const MpiCommunicator& parent, const std::vector<int>& members) {
    for (const int member : members) {
      hosts_.push_back(parent.hosts_[static_cast<size_t>(member)]);
      launch_ranks_.push_back(parent.launch_ranks_[static_cast<size_t>(member)]);
    }
  }

  static StatusOr<std::unique_ptr<Transfer>> Started(int code, const char* call, std::unique_ptr<MpiTransfer> transfer) {
    DEIT_RETURN_IF_ERROR(StatusOf(code, call));
    return transfer;
  }

  MPI_Comm communicator_;
  SessionOptions options_;
  int rank_ = 0;
  int size_ = 0;
  std::vector<std::string> hosts_;
  std::vector<int> launch_ranks_;
};

std::string MachineName() {
  std::array<char, 256> name = {};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace

StatusOr<std::unique_ptr<Communicator>> NewMpiWorld(const SessionOptions& options) {
  return MpiCommunicator::MakeWorld(options.host.empty() ? MachineName() : options.host, options);
}

}  // namespace deit::collective
