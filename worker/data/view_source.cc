#include "worker/data/view_source.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "worker/data/framing.h"
#include "worker/data/micro_batch.h"
#include "worker/data/picture_source.h"

namespace deit::data {
namespace {

using Table = std::array<float, 256>;  // sample -> normalised pixel, of one channel
using FrameView = std::function<Framing(const plan::View& view, int width, int height)>;

StatusOr<std::vector<Table>> NormalisationTables(const v1::JobSpec& spec) {
  const int channels = spec.model().in_chans();
  for (const auto* values : {&spec.data().mean(), &spec.data().std()}) {
    if (values->size() != channels) {
      return absl::InvalidArgumentError(absl::StrCat(values == &spec.data().mean() ? "data.mean: " : "data.std: ", values->size(),
                                                     " values: model.in_chans is ", channels));
    }
  }
  for (const float value : spec.data().std()) {
    if (!(value > 0)) return absl::InvalidArgumentError(absl::StrCat("data.std: ", value, ": must be greater than 0"));
  }
  std::vector<Table> tables(static_cast<size_t>(channels));
  for (int c = 0; c < channels; ++c) {
    for (size_t v = 0; v < 256; ++v) {  // torchvision's order of operations, in fp32
      tables[static_cast<size_t>(c)][v] = (static_cast<float>(v) / 255.0f - spec.data().mean(c)) / spec.data().std(c);
    }
  }
  return tables;
}

StatusOr<std::unique_ptr<PictureSource>> Pictures(const v1::JobSpec& spec, const dataset::Index& index) {
  switch (spec.data().format()) {
    case v1::DataSpec::IDX: return NewIdxPictures(spec, index);
    case v1::DataSpec::IMAGE_FOLDER: return NewFolderPictures(spec, index);
    case v1::DataSpec::SYNTHETIC: return NewSyntheticPictures(spec, index);
  }
  return absl::InvalidArgumentError("data.format: unknown");
}

// The S x S window of `image` at (left, top), zeros outside, flipped where asked, normalised into planes. Its rows that meet the image's
// rows must meet its columns too.
void WriteWindow(const Image& image, int left, int top, bool flip, const std::vector<Table>& tables, int size, float* pixels) {
  const int begin = std::clamp(-left, 0, size);  // columns of the window that lie in the picture
  const int end = std::clamp(image.width - left, begin, size);
  const auto plane = static_cast<size_t>(size) * static_cast<size_t>(size);
  for (int y = 0; y < size; ++y) {
    const bool inside = top + y >= 0 && top + y < image.height;
    for (size_t c = 0; c < tables.size(); ++c) {
      const Table& table = tables[c];
      float* row = pixels + c * plane + static_cast<size_t>(y) * static_cast<size_t>(size);
      if (!inside) {
        std::fill_n(row, size, table[0]);
        continue;
      }
      const uint8_t* from = image.row(top + y) + (left + begin) * image.channels + static_cast<int>(c);
      std::fill(row, row + begin, table[0]);
      for (int x = begin; x < end; ++x, from += image.channels) row[x] = table[*from];
      std::fill(row + end, row + size, table[0]);
      if (flip) std::reverse(row, row + size);
    }
  }
}

// The part of the window that lies in the scaled crop.
Rectangle Visible(const Framing& framing, int size) {
  const int left = std::max(framing.left, 0), top = std::max(framing.top, 0);
  return {left, top, std::min(framing.left + size, framing.width) - left, std::min(framing.top + size, framing.height) - top};
}

class PictureViews final : public ViewSource {
 public:
  PictureViews(const v1::JobSpec& spec, const dataset::Index& index, std::unique_ptr<PictureSource> pictures, std::vector<Table> tables,
               FrameView frame)
      : size_(spec.model().img_size()),
        filter_(spec.augment().interpolation() == v1::AugmentSpec::BILINEAR ? Filter::kBilinear : Filter::kBicubic), index_(index),
        pictures_(std::move(pictures)), tables_(std::move(tables)), frame_(std::move(frame)) {}

  int channels() const override { return static_cast<int>(tables_.size()); }
  int size() const override { return size_; }

  Status Render(const plan::View& view, float* pixels, int32_t* label) const override {
    struct Scratch {
      Image picture, scaled;
      Resizer resizer;
    };
    thread_local Scratch scratch;  // kept from view to view: fresh pages cost more than the resize
    const auto image = static_cast<int64_t>(view.image);
    Image& picture = scratch.picture;
    DEIT_RETURN_IF_ERROR(pictures_->Read(image, &picture));
    ConvertChannels(channels(), &picture);
    *label = view.labelled ? index_.label(image) : kUnlabelled;
    const Framing framing = frame_(view, picture.width, picture.height);
    const Rectangle visible = Visible(framing, size_);
    if (visible.width <= 0 || visible.height <= 0) {  // nothing but padding
      WriteWindow(picture, 0, picture.height, false, tables_, size_, pixels);
    } else if (framing.scales()) {
      scratch.resizer.Resize(picture, framing.crop, framing.width, framing.height, visible, filter_, &scratch.scaled);
      WriteWindow(scratch.scaled, framing.left - visible.left, framing.top - visible.top, framing.flip, tables_, size_, pixels);
    } else {  // a window that reaches out of its crop has the whole picture as crop
      WriteWindow(picture, framing.crop.left + framing.left, framing.crop.top + framing.top, framing.flip, tables_, size_, pixels);
    }
    return absl::OkStatus();
  }

 private:
  const int size_;
  const Filter filter_;
  const dataset::Index& index_;
  const std::unique_ptr<PictureSource> pictures_;
  const std::vector<Table> tables_;
  const FrameView frame_;
};

StatusOr<std::unique_ptr<ViewSource>> NewViews(const v1::JobSpec& spec, const dataset::Index& index, FrameView frame) {
  DEIT_ASSIGN_OR_RETURN(std::vector<Table> tables, NormalisationTables(spec));
  DEIT_ASSIGN_OR_RETURN(std::unique_ptr<PictureSource> pictures, Pictures(spec, index));
  return std::make_unique<PictureViews>(spec, index, std::move(pictures), std::move(tables), std::move(frame));
}

}  // namespace

StatusOr<std::unique_ptr<ViewSource>> NewTrainViews(const v1::JobSpec& spec, const dataset::Index& index) {
  return NewViews(spec, index,
                  [spec](const plan::View& view, int width, int height) { return TrainFraming(spec, view.position, width, height); });
}

StatusOr<std::unique_ptr<ViewSource>> NewEvaluationViews(const v1::JobSpec& spec, const dataset::Index& index) {
  return NewViews(spec, index, [spec](const plan::View&, int width, int height) { return EvaluationFraming(spec, width, height); });
}

}  // namespace deit::data
