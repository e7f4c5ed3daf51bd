#include <algorithm>
#include <array>

#include "common/base/status.h"
#include "common/dataset/cifar_files.h"
#include "common/files/file_system.h"
#include "worker/data/image_source.h"

namespace deit::data {
namespace {

class CifarImages final : public ImageSource {
 public:
  CifarImages(dataset::CifarPart part, std::vector<std::unique_ptr<files::RandomAccessFile>> files)
      : part_(std::move(part)), files_(std::move(files)) {}

  Status Read(int64_t i, Image* image) const override {
    size_t file = 0;
    for (; i >= part_.records[file]; ++file) i -= part_.records[file];
    std::array<uint8_t, dataset::kCifarPixelBytes> planes;
    const auto offset = static_cast<uint64_t>(i * part_.record_bytes() + part_.label_bytes);
    const Status read = files_[file]->ReadAt(offset, planes.data(), planes.size());
    if (!read.ok()) return Unreadable(read);
    image->Reset(dataset::kCifarSide, dataset::kCifarSide, 3);
    constexpr size_t kPlane = planes.size() / 3;
    for (size_t p = 0; p < kPlane; ++p) {
      for (size_t c = 0; c < 3; ++c) image->pixels[3 * p + c] = planes[c * kPlane + p];
    }
    return absl::OkStatus();
  }

 private:
  const dataset::CifarPart part_;
  const std::vector<std::unique_ptr<files::RandomAccessFile>> files_;
};

}  // namespace

StatusOr<std::unique_ptr<ImageSource>> NewCifarImages(const v1::JobSpec& spec, const dataset::Index& index) {
  DEIT_ASSIGN_OR_RETURN(dataset::CifarPart part, dataset::FindCifar(spec, index.split()));
  if (part.size() < index.size()) {
    return absl::DataLossError(
        absl::StrCat(spec.data().root(), ": ", part.size(), " images: it had ", index.size(), " when the run began"));
  }
  std::vector<std::unique_ptr<files::RandomAccessFile>> files;
  for (const std::string& path : part.paths) {
    DEIT_ASSIGN_OR_RETURN(files.emplace_back(), files::FileSystem::Posix().OpenForRead(path));
  }
  return std::make_unique<CifarImages>(std::move(part), std::move(files));
}

}  // namespace deit::data
