#include <algorithm>

#include "common/base/status.h"
#include "common/dataset/idx_file.h"
#include "common/dataset/idx_index.h"
#include "worker/data/image_source.h"

namespace deit::data {
namespace {

class IdxImages final : public ImageSource {
 public:
  explicit IdxImages(dataset::IdxFile file) : file_(std::move(file)) {}

  Status Read(int64_t i, Image* image) const override {
    image->Reset(static_cast<int>(file_.dims[2]), static_cast<int>(file_.dims[1]), 1);
    std::copy_n(file_.values.data() + static_cast<size_t>(i) * image->pixels.size(), image->pixels.size(), image->pixels.data());
    return absl::OkStatus();
  }

 private:
  const dataset::IdxFile file_;
};

}  // namespace

StatusOr<std::unique_ptr<ImageSource>> NewIdxImages(const v1::JobSpec& spec, const dataset::Index& index) {
  DEIT_ASSIGN_OR_RETURN(const std::string path, dataset::FindIdxImages(spec, index.split()));
  DEIT_ASSIGN_OR_RETURN(dataset::IdxFile file, dataset::ReadIdxFile(path, 3, index.size()));
  if (file.dims[0] < index.size()) {
    return absl::DataLossError(absl::StrCat(path, ": ", file.dims[0], " images: it had ", index.size(), " when the run began"));
  }
  DEIT_RETURN_IF_ERROR(Annotate(CheckImageSize(file.dims[2], file.dims[1]), path));
  return std::make_unique<IdxImages>(std::move(file));
}

}  // namespace deit::data
