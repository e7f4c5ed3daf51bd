#include "worker/collective/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/machine/memory_room.h"
#include "worker/collective/buffer_checks.h"
#include "worker/collective/mapped_regions.h"

namespace deit::collective {
namespace {

// What each member tells the others.
struct Card {
  uint64_t bytes;
  uint64_t pid;
  uint64_t file_descriptor;
  uint64_t nonce;  // in the file's name: proof that the process of that number is the right one
  uint64_t room;   // bytes that may be taken, read before anybody takes any, so that all workers decide alike
};

// Everybody's `own`, by rank. For plain data of 64-bit words.
template <typename T>
StatusOr<std::vector<T>> GatherAll(Communicator& group, T own, Deadline deadline) {
  constexpr size_t kWords = sizeof(T) / 8;
  std::vector<T> all(static_cast<size_t>(group.size()));
  const std::vector<size_t> counts(all.size(), kWords);
  DEIT_ASSIGN_OR_RETURN(const std::unique_ptr<Transfer> transfer,
                        group.AllGather({.data = &own, .count = kWords, .type = ElementType::kUint64}, counts,
                                        {.data = all.data(), .count = kWords * all.size(), .type = ElementType::kUint64}));
  DEIT_RETURN_IF_ERROR(Wait(*transfer, deadline, [] { return WaitDescription{"not all workers came to share memory", ""}; }));
  return all;
}

std::string FileName(uint64_t nonce) { return absl::StrCat("deit-", absl::Hex(nonce, absl::kZeroPad16)); }

Status Failed(const char* action) {
  return absl::ResourceExhaustedError(absl::StrCat("shared memory: ", action, ": ", std::strerror(errno)));
}

// Opens the file that `card` names; it belongs to the caller.
StatusOr<int> OpenFile(const Card& card) {
  const std::string path = absl::StrCat("/proc/", card.pid, "/fd/", card.file_descriptor);
  std::array<char, 256> target = {};
  if (readlink(path.c_str(), target.data(), target.size() - 1) < 0) return Failed(path.c_str());
  if (std::string(target.data()).find(FileName(card.nonce)) == std::string::npos) {
    return absl::ResourceExhaustedError(absl::StrCat("shared memory: ", path, ": is another process's file"));
  }
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return Failed(path.c_str());
  return file;
}

StatusOr<Mapping> MapParts(const Card& maker, const RegionTable& parts, int rank, size_t room) {
  if (parts.total() > room) {
    return absl::ResourceExhaustedError(absl::StrCat("shared memory: ", parts.total(), " bytes: only ", room, " are free"));
  }
  DEIT_ASSIGN_OR_RETURN(const int file, OpenFile(maker));
  const absl::Cleanup close_file = [file] { close(file); };
  if (ftruncate(file, static_cast<off_t>(parts.total())) != 0) return Failed("setting its size");
  if (parts.bytes(rank) > 0 &&
      fallocate(file, 0, static_cast<off_t>(parts.offset(rank)), static_cast<off_t>(RoundUpToPage(parts.bytes(rank)))) != 0) {
    return Failed("reserving room");
  }
  DEIT_ASSIGN_OR_RETURN(Mapping mapping, Mapping::File(file, parts.total()));
  // First touch by the owner, all at once: a third less time than page by page later. A kernel without this advice does it later.
  if (parts.bytes(rank) > 0) madvise(mapping.data() + parts.offset(rank), RoundUpToPage(parts.bytes(rank)), MADV_POPULATE_WRITE);
  return mapping;
}

}  // namespace

StatusOr<std::unique_ptr<SharedMemory>> ShareOnNode(Communicator& group, size_t bytes, size_t room, Deadline deadline) {
  DEIT_RETURN_IF_ERROR(CheckOneNode(group.hosts()));
  Card own = {.bytes = bytes, .pid = static_cast<uint64_t>(getpid()), .file_descriptor = 0, .nonce = 0, .room = 0};
  // An anonymous file has no other limit: reserving more would end in the kernel's out-of-memory killer instead of an error.
  own.room = std::min<uint64_t>(room, static_cast<uint64_t>(machine::FreeMemory().bytes));
  int made = -1;
  const absl::Cleanup close_made = [&made] {
    if (made >= 0) close(made);
  };
  if (group.rank() == 0 && getrandom(&own.nonce, sizeof(own.nonce), 0) == sizeof(own.nonce)) {
    made = memfd_create(FileName(own.nonce).c_str(), MFD_CLOEXEC);
    own.file_descriptor = static_cast<uint64_t>(made);
  }
  DEIT_ASSIGN_OR_RETURN(const std::vector<Card> cards, GatherAll(group, own, deadline));
  std::vector<size_t> part_bytes;
  for (const Card& card : cards) {
    part_bytes.push_back(card.bytes);
    room = std::min<size_t>(room, card.room);
  }
  RegionTable parts(std::move(part_bytes));

  StatusOr<Mapping> mapping = MapParts(cards.front(), parts, group.rank(), room);
  DEIT_ASSIGN_OR_RETURN(const std::vector<uint64_t> mapped, GatherAll(group, uint64_t{mapping.ok()}, deadline));
  DEIT_RETURN_IF_ERROR(mapping.status());
  for (size_t rank = 0; rank < mapped.size(); ++rank) {
    if (mapped[rank] == 0) return absl::ResourceExhaustedError(absl::StrCat("shared memory: worker ", rank, " has no room or no access"));
  }
  return std::make_unique<MappedRegions>(std::make_shared<const Mapping>(*std::move(mapping)), std::move(parts));
}

}  // namespace deit::collective
