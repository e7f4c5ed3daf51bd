#include "common/base/status.h"
#include "common/files/operations.h"
#include "worker/data/picture_source.h"

namespace deit::data {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 28;

class FolderPictures final : public PictureSource {
 public:
  FolderPictures(std::string root, const dataset::Index& index) : root_(std::move(root)), index_(index) {}

  Status Read(int64_t i, Image* image) const override {
    const std::string path = files::JoinPath(root_, index_.path(i));
    DEIT_ASSIGN_OR_RETURN(const auto file, files::FileSystem::Posix().OpenForRead(path));
    if (file->Size() > kMaxFileBytes) return absl::DataLossError(absl::StrCat(path, ": ", file->Size(), " bytes: not a picture"));
    thread_local std::string bytes;  // kept: a fresh one per picture would fault its pages in anew
    bytes.resize(file->Size());
    DEIT_RETURN_IF_ERROR(file->ReadAt(0, bytes.data(), bytes.size()));
    return Annotate(DecodeImage(bytes, image), path);
  }

 private:
  const std::string root_;
  const dataset::Index& index_;
};

}  // namespace

std::unique_ptr<PictureSource> NewFolderPictures(const v1::JobSpec& spec, const dataset::Index& index) {
  return std::make_unique<FolderPictures>(spec.data().root(), index);
}

}  // namespace deit::data
