// From a view's name to its pixels. The only place where pictures are read, cropped, flipped and normalised.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/dataset/index.h"
#include "common/plan/stream.h"
#include "proto/spec.pb.h"

namespace deit::data {

// Render() is a pure function of the view and of the files; thread-safe, and it allocates nothing once it has seen its largest image.
class ViewSource {
 public:
  virtual ~ViewSource() = default;
  virtual int channels() const = 0;  // model.in_chans
  virtual int size() const = 0;      // model.img_size: pixels per side
  // Writes channels() x size() x size() floats, (pixel / 255 - mean) / std, channel by channel, and the image's label, or
  // kUnlabelled where the view has none.
  // Errors name the image's path: NotFound (unreadable), DataLoss (broken picture).
  virtual absl::Status Render(const plan::View& view, float* pixels, int32_t* label) const = 0;
};

// What training sees: crop and flip keyed by (data.seed, view.position). `spec` is resolved; `index` outlives the source.
// RESIZED is torchvision's RandomResizedCrop; PADDED pads by augment.crop_padding zeros and cuts img_size x img_size out at random
// (images of another size are first resized to img_size x img_size); CENTER shows what evaluation shows. Then a flip.
absl::StatusOr<std::unique_ptr<ViewSource>> NewTrainViews(const v1::JobSpec& spec, const dataset::Index& index);

// What evaluation sees: only view.image counts. IMAGE_FOLDER: short side to int(img_size / 0.875), centre crop (torchvision's
// Resize and CenterCrop); IDX and SYNTHETIC: the image, resized only where its size is not img_size.
absl::StatusOr<std::unique_ptr<ViewSource>> NewEvaluationViews(const v1::JobSpec& spec, const dataset::Index& index);

}  // namespace deit::data
