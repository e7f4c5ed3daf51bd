#include "common/run/run_identity.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include <cerrno>
#include <random>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/exit_code.h"
#include "common/base/log.h"
#include "common/files/operations.h"
#include "common/json/json_file.h"
#include "common/json/message_json.h"

namespace deit::run {
namespace {

// What tells a file from its copies. Not the device: its number changes between boots.
struct Inode {
  uint64_t number = 0;
  std::string created;  // empty, and no birth: not known
  absl::Time birth = absl::InfinitePast();
};

// statx has no seam: a copy can only be told on a real file system.
StatusOr<Inode> InodeOf(const std::string& path) {
  struct statx info {};
  if (::statx(AT_FDCWD, path.c_str(), 0, STATX_INO | STATX_BTIME, &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be examined"));
  }
  Inode inode{.number = info.stx_ino, .created = {}};
  if (info.stx_mask & STATX_BTIME) {
    inode.created = absl::StrFormat("%d.%09d", info.stx_btime.tv_sec, info.stx_btime.tv_nsec);
    inode.birth = absl::FromUnixSeconds(info.stx_btime.tv_sec) + absl::Nanoseconds(info.stx_btime.tv_nsec);
  }
  return inode;
}

bool IsJobId(const std::string& text) { return text.size() == 8 && text.find_first_not_of("0123456789abcdef") == std::string::npos; }

struct Found {
  v1::RunIdentity identity;
  bool is_copy = false;
};

StatusOr<Found> Read(files::FileSystem& fs, const RunFolder& folder) {
  Found found;
  DEIT_RETURN_IF_ERROR(json::ReadJsonFile(fs, folder.Job(), &found.identity));
  if (!IsJobId(found.identity.job())) return absl::DataLossError(absl::StrCat(folder.Job(), ": holds no job id"));
  DEIT_ASSIGN_OR_RETURN(const Inode inode, InodeOf(folder.Job()));
  // The time of creation decides where both are known, as Write() makes it the original's alone: some file systems number the same file
  // differently at each mount, and no copy keeps the time.
  const bool both_known = !inode.created.empty() && !found.identity.created().empty();
  found.is_copy = both_known ? inode.created != found.identity.created() : inode.number != found.identity.inode();
  return found;
}

// Waits until the clock that dates files is past `birth`: what is created from then on is younger. That clock may be ahead of the coarse
// one for some milliseconds (the kernel dates files finer where they are looked at often), and a file server's for good: it gets no more
// than the limit, which is five ticks of the slowest kernel.
void AwaitClockPast(absl::Time birth) {
  constexpr absl::Duration kTickLimit = absl::Milliseconds(50);
  const auto coarse_now = [] {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return absl::TimeFromTimespec(now);
  };
  const absl::Duration limit = Clock::System().Elapsed() + kTickLimit;
  while (coarse_now() <= birth && Clock::System().Elapsed() < limit) Clock::System().Sleep(absl::Milliseconds(1));
}

// Written aside and renamed, which keeps the inode that its content names.
Status Write(files::FileSystem& fs, const RunFolder& folder, v1::RunIdentity identity) {
  const std::string aside = folder.Job() + ".tmp";
  DEIT_ASSIGN_OR_RETURN(auto file, fs.OpenForWrite(aside));
  DEIT_ASSIGN_OR_RETURN(const Inode inode, InodeOf(aside));
  identity.set_inode(inode.number);
  identity.set_created(inode.created);
  const std::string text = json::ToJsonText(identity);
  DEIT_RETURN_IF_ERROR(file->Append(text.data(), text.size()));
  DEIT_RETURN_IF_ERROR(file->Sync());
  DEIT_RETURN_IF_ERROR(file->Close());
  AwaitClockPast(inode.birth);  // no copy of it can be as old
  return files::RenameDurably(fs, aside, folder.Job());
}

std::string DrawJobId() {
  std::random_device random;  // the kernel's
  return absl::StrFormat("%08x", random());
}

Status OtherJob(const RunFolder& folder, const std::string& here, const std::string& wanted, const std::string& diff) {
  const bool contents = diff.empty();  // of paths, which are no field's value
  const std::string difference =
      contents ? ": no field differs, so the images of data.root or a file of weights are others than then" : absl::StrCat("\n", diff);
  Status status = absl::FailedPreconditionError(
      absl::StrCat("run_dir: ", folder.path(), ": holds another job: its spec digest is ", here, ", this job's is ", wanted, difference));
  status =
      WithHint(std::move(status), contents ? "put them back, choose another run_dir, or go on with the new ones by --allow_config_change"
                                           : "choose another run_dir, or go on with the changed fields by --allow_config_change");
  return WithExitCode(std::move(status), ExitCode::kRunFolder);
}

}  // namespace

StatusOr<Identity> ClaimIdentity(files::FileSystem& fs, const RunFolder& folder, const IdentityRequest& request,
                                 absl::FunctionRef<std::string()> field_diff) {
  auto found = Read(fs, folder);
  if (!found.ok() && !absl::IsNotFound(found.status())) {
    LogWarning(absl::StrCat(found.status().message(), ": the job gets a new id"));
  }
  Identity identity{.job = {}, .first_start = !found.ok(), .is_copy = found.ok() && found->is_copy, .config_changed = false};
  if (found.ok() && found->identity.spec_digest() != request.spec_digest) {
    if (!request.allow_config_change) return OtherJob(folder, found->identity.spec_digest(), request.spec_digest, field_diff());
    identity.config_changed = true;
  }
  const bool new_id = identity.first_start || identity.is_copy;
  identity.job = new_id ? DrawJobId() : found->identity.job();
  const bool adds_digest = found.ok() && found->identity.init_from_digest().empty() && !request.init_from_digest.empty();
  if (new_id || identity.config_changed || adds_digest) {
    v1::RunIdentity record;
    record.set_job(identity.job);
    record.set_spec_digest(request.spec_digest);
    record.set_init_from_digest(request.init_from_digest);
    const Status written = Annotate(Write(fs, folder, record), absl::StrCat("run_dir: ", folder.path()));
    if (!written.ok()) return WithHint(WithExitCode(written, ExitCode::kRunFolder), "set run_dir to a folder that you can write to");
  }
  return identity;
}

std::string InitFromDigest(files::FileSystem& fs, const RunFolder& folder) {
  const auto found = Read(fs, folder);
  return found.ok() ? found->identity.init_from_digest() : "";
}

StatusOr<v1::RunIdentity> ReadIdentity(files::FileSystem& fs, const RunFolder& folder) {
  auto found = Read(fs, folder);
  if (!found.ok()) return absl::NotFoundError(found.status().message());
  if (found->is_copy) return absl::NotFoundError(absl::StrCat(folder.path(), ": a copy of a run folder that was not started yet"));
  return found->identity;
}

}  // namespace deit::run
