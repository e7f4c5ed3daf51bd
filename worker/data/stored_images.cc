#include "common/base/exit_code.h"
#include "common/base/status.h"
#include "common/files/operations.h"
#include "worker/data/image_source.h"
#include "worker/data/retry_read.h"

namespace deit::data {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{1} << 28;

class StoredImages final : public ImageSource {
 public:
  StoredImages(std::string root, const dataset::Index& index, absl::Duration retry)
      : root_(std::move(root)), index_(index), retry_(retry) {}

  Status Read(int64_t i, Image* image) const override {
    return Decode(i, [image](absl::string_view bytes) { return DecodeImage(bytes, image); });
  }

  Status ReadPart(int64_t i, RegionOf wanted, Picture* picture) const override {
    return Decode(i, [&](absl::string_view bytes) { return DecodeImage(bytes, wanted, picture); });
  }

 private:
  Status Decode(int64_t i, absl::FunctionRef<Status(absl::string_view)> decode) const {
    const dataset::Place place = index_.place(i);
    const int64_t size = index_.bytes(i);
    const std::string path = files::JoinPath(root_, index_.path(i));
    if (size > kMaxFileBytes) return absl::DataLossError(absl::StrCat(path, ": ", size, " bytes: not a picture"));
    thread_local std::string bytes;  // kept: a new one per image would fault in its pages each time
    bytes.resize(static_cast<size_t>(size));
    Status unchanged;
    const Status read = RetryRead(retry_, [&]() -> Status {
      DEIT_ASSIGN_OR_RETURN(const auto file, files::FileSystem::Posix().OpenForRead(files::JoinPath(root_, place.file)));
      unchanged = CheckUnchanged(place, *file);
      return unchanged.ok() ? file->ReadAt(static_cast<uint64_t>(place.offset), bytes.data(), bytes.size()) : absl::OkStatus();
    });
    if (!read.ok()) return Unreadable(read);
    DEIT_RETURN_IF_ERROR(unchanged);
    return Annotate(decode(bytes), path);
  }

  // FailedPrecondition, not DataLoss: a bad picture may be replaced, a changed one never is.
  Status CheckUnchanged(const dataset::Place& place, const files::RandomAccessFile& file) const {
    const bool size_differs = static_cast<int64_t>(file.Size()) != place.file_bytes;
    if (!size_differs && absl::ToUnixNanos(file.Modified()) == place.modified_ns) return absl::OkStatus();
    const std::string path = files::JoinPath(root_, place.file);
    const std::string what = size_differs ? absl::StrCat(file.Size(), " bytes: it had ", place.file_bytes)
                                          : absl::StrCat("modified at ", absl::FormatTime(file.Modified()), ": its time was ",
                                                         absl::FormatTime(absl::FromUnixNanos(place.modified_ns)));
    return WithHint(
        WithExitCode(absl::FailedPreconditionError(absl::StrCat(path, ": ", what, " when data.root was listed")), ExitCode::kCorrupt),
        absl::StrCat("touch ", files::ParentOf(path), ", so that data.root is listed again"));
  }

  const std::string root_;
  const dataset::Index& index_;
  const absl::Duration retry_;
};

}  // namespace

std::unique_ptr<ImageSource> NewStoredImages(const v1::JobSpec& spec, const dataset::Index& index) {
  return std::make_unique<StoredImages>(spec.data().root(), index, absl::Seconds(spec.fault().read_retry()));
}

}  // namespace deit::data
