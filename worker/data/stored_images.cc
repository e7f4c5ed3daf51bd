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
  StoredImages(std::string root, const dataset::Index& index, bool are_files, absl::Duration retry)
      : root_(std::move(root)), index_(index), are_files_(are_files), retry_(retry) {}

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
    int64_t size_now = size;
    const Status read = RetryRead(retry_, [&]() -> Status {
      DEIT_ASSIGN_OR_RETURN(const auto file, files::FileSystem::Posix().OpenForRead(files::JoinPath(root_, place.file)));
      size_now = are_files_ ? static_cast<int64_t>(file->Size()) : size;
      if (size_now != size) return absl::OkStatus();
      return file->ReadAt(static_cast<uint64_t>(place.offset), bytes.data(), bytes.size());
    });
    if (!read.ok()) return Unreadable(read);
    if (size_now != size) return Changed(path, size_now, size);
    return Annotate(decode(bytes), path);
  }

  static Status Changed(const std::string& path, int64_t bytes, int64_t listed) {
    const std::string message = absl::StrCat(path, ": ", bytes, " bytes: it had ", listed, " when data.root was listed");
    return WithHint(WithExitCode(absl::FailedPreconditionError(message), ExitCode::kCorrupt),  // no bad picture, which might be replaced
                    absl::StrCat("touch ", files::ParentOf(path), ", so that data.root is listed again"));
  }

  const std::string root_;
  const dataset::Index& index_;
  const bool are_files_;  // each picture a file of its own
  const absl::Duration retry_;
};

}  // namespace

std::unique_ptr<ImageSource> NewStoredImages(const v1::JobSpec& spec, const dataset::Index& index) {
  const bool are_files = spec.data().format() == v1::DataSpec::IMAGE_FOLDER;
  return std::make_unique<StoredImages>(spec.data().root(), index, are_files, absl::Seconds(spec.fault().read_retry()));
}

}  // namespace deit::data
