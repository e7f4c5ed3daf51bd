#include "common/dataset/listing_cache.h"

#include <unistd.h>

#include <filesystem>
#include <optional>
#include <thread>

#include "common/base/clock.h"
#include "common/base/digest.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/dataset/fingerprint.h"
#include "common/files/file_lock.h"
#include "common/files/operations.h"

namespace deit::dataset {
namespace {

constexpr size_t kMaxIndexBytes = size_t{1} << 34;
constexpr absl::Duration kSettled = absl::Seconds(2);
constexpr absl::Duration kTimeout = absl::Minutes(30);  // for another process that lists

bool IsUnchanged(const std::string& root, const Container& container) {
  const auto info = files::FileSystem::Posix().Stat(files::JoinPath(root, container.path));
  if (container.is_absent) return absl::IsNotFound(info.status());
  return info.ok() && absl::ToUnixNanos(info->modified) == container.modified_ns &&
         (info->is_folder || static_cast<int64_t>(info->bytes) == container.bytes);
}

// The listing in `path`, if still valid. NotFound: no file; any other error names why it is unusable.
absl::StatusOr<StoredListing> ReadKept(const std::string& path, const std::string& root) {
  DEIT_ASSIGN_OR_RETURN(const std::string bytes, files::ReadWholeFile(files::FileSystem::Posix(), path, kMaxIndexBytes));
  auto stored = DecodeListing(bytes);
  if (!stored.ok()) return Annotate(stored.status(), path);
  if (stored->root != root) return absl::FailedPreconditionError(absl::StrCat(path, ": of ", stored->root, ", not of ", root));
  for (const Container& container : stored->listing.containers) {
    if (IsUnchanged(root, container)) continue;
    return absl::FailedPreconditionError(absl::StrCat(files::JoinPath(root, container.path), ": changed since it was listed"));
  }
  return stored;
}

// Whether a change since a listing that began at `begin` shows by the containers' times.
bool IsSettled(const Listing& listing, absl::Time begin) {
  const int64_t newest = absl::ToUnixNanos(begin - kSettled);
  for (const Container& container : listing.containers) {
    if (container.modified_ns > newest) return false;
  }
  return true;
}

// Waits for a concurrent listing; without the lock the listing is made anyway.
std::optional<files::FileLock> TakeTurn(const std::string& path) {
  const absl::Duration start = Clock::System().Elapsed();
  bool said = false;
  while (Clock::System().Elapsed() - start < kTimeout) {
    auto lock = files::FileLock::Acquire(path, absl::StrCat("process ", getpid()));
    if (lock.ok()) return *std::move(lock);
    if (lock.status().code() != absl::StatusCode::kFailedPrecondition) return std::nullopt;
    if (!said) LogInfo(absl::StrCat("waiting for another process that lists data.root: ", lock.status().message()));
    said = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return std::nullopt;
}

Status SaveListing(const std::string& path, const StoredListing& stored) {
  return files::WriteFileAtomically(files::FileSystem::Posix(), path, EncodeListing(stored));
}

}  // namespace

absl::StatusOr<Container> ContainerOf(const std::string& root, const std::string& relative) {
  const auto info = files::FileSystem::Posix().Stat(files::JoinPath(root, relative));
  if (!info.ok()) return Annotate(info.status(), "data.root");
  return Container{relative, absl::ToUnixNanos(info->modified), info->is_folder ? 0 : static_cast<int64_t>(info->bytes)};
}

absl::StatusOr<Container> ContainerOrAbsence(const std::string& root, const std::string& relative) {
  auto container = ContainerOf(root, relative);
  if (absl::IsNotFound(container.status())) return Container{.path = relative, .is_absent = true};
  return container;
}

uint64_t FingerprintOf(const Listing& listing) {
  Fingerprint fingerprint;
  for (size_t i = 0; i < listing.entries.size(); ++i) {
    fingerprint.Add(listing.path(i), static_cast<int64_t>(listing.entries[i].bytes), listing.entries[i].label);
  }
  return fingerprint.Value();
}

absl::StatusOr<StoredListing> KeptListing(const std::string& folder, const std::string& root, const std::string& kind,
                                          const std::function<absl::StatusOr<Listing>()>& list, Clock& clock) {
  std::error_code error;
  const std::string real_root = std::filesystem::canonical(root, error).string();
  const bool keeps = !folder.empty() && !error && files::CreateFolders(files::FileSystem::Posix(), folder).ok();
  const std::string name = absl::StrCat(DigestHex(Digest64(real_root.data(), real_root.size())), ".", kind, ".index");
  const std::string path = files::JoinPath(folder, name);
  std::optional<files::FileLock> turn;
  if (keeps) {
    auto kept = ReadKept(path, real_root);
    if (kept.ok()) return kept;
    turn = TakeTurn(path + ".lock");
    kept = ReadKept(path, real_root);
    if (kept.ok()) return kept;  // the one before us has made it
    if (!absl::IsNotFound(kept.status())) LogInfo(absl::StrCat(kept.status().message(), "; listing data.root again"));
  }
  const absl::Time begin = clock.Now();
  DEIT_ASSIGN_OR_RETURN(Listing listing, list());
  StoredListing stored{real_root, FingerprintOf(listing), std::move(listing)};
  if (turn && IsSettled(stored.listing, begin)) {
    if (const Status status = SaveListing(path, stored); !status.ok())
      LogWarning(absl::StrCat("the list of data.root is not kept: ", status.message()));
  }
  return stored;
}

}  // namespace deit::dataset
