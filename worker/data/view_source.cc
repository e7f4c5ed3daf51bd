#include "worker/data/view_source.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <set>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "worker/augment/erasing.h"
#include "worker/augment/mixing.h"
#include "worker/pixels/resize.h"

namespace deit::data {
namespace {

using augment::Framing;
using augment::ViewParameters;
using pixels::Rectangle;
using Table = std::array<float, 256>;  // sample -> normalised pixel, of one channel

StatusOr<std::vector<Table>> NormalisationTables(const v1::JobSpec& spec) {
  const int channels = spec.model().in_chans();
  if (channels != 1 && channels != 3) return absl::InvalidArgumentError(absl::StrCat("model.in_chans: ", channels, ": want 1 or 3"));
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

StatusOr<std::unique_ptr<ImageSource>> Pictures(const v1::JobSpec& spec, const dataset::Index& index) {
  switch (spec.data().format()) {
    case v1::DataSpec::IDX: return NewIdxImages(spec, index);
    case v1::DataSpec::IMAGE_FOLDER:
    case v1::DataSpec::TAR: return NewStoredImages(spec, index);
    case v1::DataSpec::CIFAR: return NewCifarImages(spec, index);
    case v1::DataSpec::SYNTHETIC: return NewSyntheticImages(spec, index);
  }
  return absl::InvalidArgumentError("data.format: unknown");
}

// Copies the S x S window of `image` at (left, top), zeros outside, flipped where asked.
void CopyWindow(const Image& image, int left, int top, bool flip, Image* out) {
  const ptrdiff_t size = out->width, channels = out->channels;
  const ptrdiff_t begin = std::clamp<ptrdiff_t>(-left, 0, size);  // columns of the window that lie in the picture
  const ptrdiff_t end = std::clamp<ptrdiff_t>(image.width - left, begin, size);
  for (int y = 0; y < out->width; ++y) {
    uint8_t* row = out->row(y);
    const bool inside = top + y >= 0 && top + y < image.height && begin < end;
    std::fill(row, row + (inside ? begin : size) * channels, uint8_t{0});
    if (!inside) continue;
    const uint8_t* from = image.row(top + y) + (left + begin) * channels;
    std::copy(from, from + (end - begin) * channels, row + begin * channels);
    std::fill(row + end * channels, row + size * channels, uint8_t{0});
    if (!flip) continue;
    for (ptrdiff_t a = 0, b = size - 1; a < b; ++a, --b) std::swap_ranges(row + a * channels, row + (a + 1) * channels, row + b * channels);
  }
}

void Normalise(const Image& image, const std::vector<Table>& tables, float* out) {
  for (size_t c = 0; c < tables.size(); ++c) {
    const Table& table = tables[c];
    const uint8_t* sample = image.pixels.data() + c;
    const size_t pixels = image.pixels.size() / tables.size();
    for (size_t i = 0; i < pixels; ++i, sample += tables.size()) *out++ = table[*sample];
  }
}

// The part of the window that lies in the scaled crop.
Rectangle Visible(const Framing& framing, int size) {
  const int left = std::max(framing.left, 0), top = std::max(framing.top, 0);
  return {left, top, std::min(framing.left + size, framing.width) - left, std::min(framing.top + size, framing.height) - top};
}

// What Frame() looks at of a picture; not empty.
Rectangle SourceRegion(const ViewParameters& parameters, int size) {
  const Framing& framing = parameters.framing;
  const Rectangle visible = Visible(framing, size);
  if (visible.width <= 0 || visible.height <= 0) return {0, 0, 1, 1};  // nothing but padding
  if (framing.scales()) return pixels::SourceOf(framing.crop, framing.width, framing.height, visible, parameters.filter);
  return {framing.crop.left + visible.left, framing.crop.top + visible.top, visible.width, visible.height};
}

// Kept by each thread from view to view: fresh pages cost more than the resize.
struct Scratch {
  uint64_t source = 0;  // whose image `picture` is; 0: none
  int64_t image = 0;    // that was asked for
  int64_t shown = 0;    // the same, or its replacement
  Picture picture;
  Image scaled, window, spare;
  pixels::Resizer resizer;
  ViewParameters parameters;
};

Scratch& ThreadScratch() {
  thread_local Scratch scratch;
  return scratch;
}

uint64_t NextSourceNumber() {
  static std::atomic<uint64_t> next = 0;
  return ++next;
}

// Names each bad image once. Thread-safe.
class BadImages {
 public:
  void Report(int64_t image, const Status& cause, int64_t shown, const dataset::Index& index) {
    const MutexLock lock(mutex_);
    if (!known_.insert(image).second) return;
    const std::string other = index.path(shown).empty() ? absl::StrCat("image ", shown) : index.path(shown);
    LogWarning(absl::StrCat(cause.message(), ": replaced by ", other, " (data.on_bad_image; ", known_.size(), " so far)"));
  }

 private:
  Mutex mutex_;
  std::set<int64_t> known_ DEIT_GUARDED_BY(mutex_);
};

class RenderedViews final : public ViewSource {
 public:
  RenderedViews(augment::ViewPolicy policy, const dataset::Index& index, std::unique_ptr<ImageSource> pictures, std::vector<Table> tables)
      : policy_(std::move(policy)), size_(policy_.spec().model().img_size()), index_(index), pictures_(std::move(pictures)),
        tables_(std::move(tables)) {}

  int channels() const override { return static_cast<int>(tables_.size()); }
  int size() const override { return size_; }

  Status Render(const plan::View& view, float* pixels, Rendered* rendered) const override {
    Scratch& scratch = ThreadScratch();
    DEIT_RETURN_IF_ERROR(Load(view, &scratch));
    *rendered = {view.labelled ? index_.label(scratch.shown) : kUnlabelled, scratch.shown != static_cast<int64_t>(view.image)};
    ViewParameters& parameters = scratch.parameters;
    policy_.Draw(view.position, scratch.picture.width, scratch.picture.height, &parameters);
    Frame(parameters, &scratch);
    const augment::OperationContext around{policy_.fill(), &scratch.spare};
    for (const augment::Operation& operation : parameters.operations) operation.kind->apply(operation, around, &scratch.window);
    Normalise(scratch.window, tables_, pixels);
    augment::Erase(policy_.spec().augment().remode(), policy_.seed(), view.position, parameters.erasures, channels(), size_, pixels);
    return absl::OkStatus();
  }

  Status Describe(const plan::View& view, ViewDescription* description) const override {
    Scratch& scratch = ThreadScratch();
    DEIT_RETURN_IF_ERROR(Load(view, &scratch));
    policy_.Draw(view.position, scratch.picture.width, scratch.picture.height, &description->parameters);
    description->fill = policy_.fill();
    description->shown = scratch.shown;
    description->width = scratch.picture.width;
    description->height = scratch.picture.height;
    return absl::OkStatus();
  }

  void Mix(MicroBatch* batch) const override {
    if (!augment::Mixes(policy_.spec().augment())) return;
    const int count = static_cast<int>(batch->views.size());
    augment::DrawMixes(policy_.spec().augment(), policy_.seed(), batch->views.front().position, count, size_, &batch->mixes);
    augment::ApplyMixes(batch->mixes, channels(), size_, batch->pixels);
  }

 private:
  // What the view shows of its picture into scratch->picture, unless it is there already; for several views of an image all of it.
  Status Load(const plan::View& view, Scratch* scratch) const {
    const auto image = static_cast<int64_t>(view.image);
    const auto wanted = [&](int width, int height) {
      if (policy_.repeats_images()) return WholeImage(width, height);
      policy_.Draw(view.position, width, height, &scratch->parameters);
      return SourceRegion(scratch->parameters, size_);
    };
    Picture& picture = scratch->picture;
    const bool known = scratch->source == number_ && scratch->image == image;
    if (known && Holds(picture.part, wanted(picture.width, picture.height))) return absl::OkStatus();
    scratch->source = 0;
    scratch->shown = image;
    Status status = pictures_->ReadPart(image, wanted, &picture);
    if (status.code() == absl::StatusCode::kDataLoss) {
      status = policy_.replaces_bad_images() ? Replace(image, status, wanted, scratch)
                                             : WithHint(status, policy_.trains() ? kMend : kMendValidation);
    }
    DEIT_RETURN_IF_ERROR(status);
    pixels::ConvertChannels(channels(), &picture.image);
    scratch->source = number_;
    scratch->image = image;
    return absl::OkStatus();
  }

  // Other images in an order that (data.seed, image) keys, until one is good.
  Status Replace(int64_t image, const Status& cause, RegionOf wanted, Scratch* scratch) const {
    plan::RandomStream random(policy_.seed(), static_cast<uint64_t>(image), plan::Purpose::kReplacement);
    for (int k = 0; k < kReplacements; ++k) {
      scratch->shown = static_cast<int64_t>(random.Below(static_cast<uint64_t>(index_.size())));
      const Status status = pictures_->ReadPart(scratch->shown, wanted, &scratch->picture);
      if (status.code() == absl::StatusCode::kDataLoss) continue;
      DEIT_RETURN_IF_ERROR(status);
      bad_images_.Report(image, cause, scratch->shown, index_);
      return absl::OkStatus();
    }
    return Annotate(cause, absl::StrCat("and ", kReplacements, " images that might replace it are bad too"));
  }

  // scratch->picture into scratch->window.
  void Frame(const ViewParameters& parameters, Scratch* scratch) const {
    const Framing& framing = parameters.framing;
    const Rectangle visible = Visible(framing, size_);
    scratch->window.Reset(size_, size_, channels());
    if (visible.width <= 0 || visible.height <= 0) {  // nothing but padding
      std::fill(scratch->window.pixels.begin(), scratch->window.pixels.end(), uint8_t{0});
      return;
    }
    const Picture& picture = scratch->picture;
    const Rectangle crop{framing.crop.left - picture.left, framing.crop.top - picture.top, framing.crop.width, framing.crop.height};
    if (framing.scales() && visible.width == size_ && visible.height == size_) {  // the usual case: nothing is padded
      scratch->resizer.Resize(picture.image, crop, framing.width, framing.height, visible, parameters.filter, &scratch->window,
                              framing.flip);
    } else if (framing.scales()) {
      scratch->resizer.Resize(picture.image, crop, framing.width, framing.height, visible, parameters.filter, &scratch->scaled);
      CopyWindow(scratch->scaled, framing.left - visible.left, framing.top - visible.top, framing.flip, &scratch->window);
    } else {  // a window that reaches out of its crop has the whole picture as crop
      CopyWindow(picture.image, crop.left + framing.left, crop.top + framing.top, framing.flip, &scratch->window);
    }
  }

  static constexpr int kReplacements = 100;
  static constexpr char kMend[] =
      "mend or remove it, or have bad training images replaced: data.on_bad_image=REPLACE (a run that has begun wants "
      "--allow_config_change then)";

  static constexpr char kMendValidation[] = "mend or remove it: every validation image counts, so that none is replaced";

  const uint64_t number_ = NextSourceNumber();
  const augment::ViewPolicy policy_;
  const int size_;
  const dataset::Index& index_;
  const std::unique_ptr<ImageSource> pictures_;
  const std::vector<Table> tables_;
  mutable BadImages bad_images_;
};

StatusOr<std::unique_ptr<ViewSource>> NewViews(augment::ViewPolicy policy, const dataset::Index& index,
                                               std::unique_ptr<ImageSource> pictures) {
  DEIT_ASSIGN_OR_RETURN(std::vector<Table> tables, NormalisationTables(policy.spec()));
  return std::make_unique<RenderedViews>(std::move(policy), index, std::move(pictures), std::move(tables));
}

}  // namespace

StatusOr<std::unique_ptr<ViewSource>> NewTrainViews(const v1::JobSpec& spec, const dataset::Index& index,
                                                    std::unique_ptr<ImageSource> pictures) {
  DEIT_ASSIGN_OR_RETURN(augment::ViewPolicy policy, augment::ViewPolicy::ForTraining(spec));
  return NewViews(std::move(policy), index, std::move(pictures));
}

StatusOr<std::unique_ptr<ViewSource>> NewTrainViews(const v1::JobSpec& spec, const dataset::Index& index) {
  DEIT_ASSIGN_OR_RETURN(std::unique_ptr<ImageSource> pictures, Pictures(spec, index));
  return NewTrainViews(spec, index, std::move(pictures));
}

StatusOr<std::unique_ptr<ViewSource>> NewEvaluationViews(const v1::JobSpec& spec, const dataset::Index& index) {
  DEIT_ASSIGN_OR_RETURN(std::unique_ptr<ImageSource> pictures, Pictures(spec, index));
  return NewViews(augment::ViewPolicy::ForEvaluation(spec), index, std::move(pictures));
}

}  // namespace deit::data
