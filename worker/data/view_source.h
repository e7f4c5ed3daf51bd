// Renders views to pixels: the only place where images are read, cropped, flipped and normalised.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/dataset/index.h"
#include "common/plan/sampler.h"
#include "proto/spec.pb.h"
#include "worker/augment/view_parameters.h"
#include "worker/data/image_source.h"
#include "worker/data/micro_batch.h"

namespace deit::data {

// How a view comes of its picture.
struct ViewDescription {
  augment::ViewParameters parameters;
  pixels::Colour fill{};  // around what an operation moves
  int64_t shown = 0;      // the image: the view's, or what replaces it
  int width = 0;          // of the picture
  int height = 0;
};

// Metadata of a view's pixels.
struct Rendered {
  int32_t label = kUnlabelled;  // of the image that is shown, or kUnlabelled where the view has none
  bool replaced = false;        // another image than the view's is shown (data.on_bad_image)
};

// Render() is a pure function of the view and of the files; thread-safe, and it allocates nothing once it has seen its largest image.
class ViewSource {
 public:
  virtual ~ViewSource() = default;
  virtual int channels() const = 0;  // model.in_chans
  virtual int size() const = 0;      // model.img_size: pixels per side
  // Writes channels() x size() x size() floats, (pixel / 255 - mean) / std, channel by channel, and their metadata. A thread that
  // renders several views of one image one after another decodes it once. Errors name the image's path: NotFound (unreadable), DataLoss
  // (broken picture), FailedPrecondition (another file than was listed).
  virtual absl::Status Render(const plan::View& view, float* pixels, Rendered* rendered) const = 0;
  // What Render() does for the view; by default nothing. Errors as Render().
  virtual absl::Status Describe(const plan::View&, ViewDescription* description) const {
    *description = {};
    return absl::OkStatus();
  }
  // Mixes the rendered views of a whole micro-batch in place, and says how in batch->mixes. Nothing where the job does not mix.
  virtual void Mix(MicroBatch*) const {}
};

// What training sees, keyed by (data.seed, view.position): crop, flip, the operations of augment.aa and color_jitter on 8-bit pixels,
// normalisation, random erasing; then mixing. `spec` is resolved; `index` outlives the source.
// RESIZED is torchvision's RandomResizedCrop; PADDED pads by augment.crop_padding zeros and cuts img_size x img_size out at random
// (images of another size are first resized to img_size x img_size); CENTER frames as evaluation does by default.
// With data.on_bad_image REPLACE a picture that cannot be decoded is replaced by another, whose index (data.seed, image) keys; its first
// use is a warning. One that cannot be read, or is another file than was listed, is not: what is shown would depend on when it went.
absl::StatusOr<std::unique_ptr<ViewSource>> NewTrainViews(const v1::JobSpec& spec, const dataset::Index& index);
// The same of other pictures than the spec names.
absl::StatusOr<std::unique_ptr<ViewSource>> NewTrainViews(const v1::JobSpec& spec, const dataset::Index& index,
                                                          std::unique_ptr<ImageSource> pictures);

// What evaluation sees: only view.image counts. Photographs (spec::UsesResizedCrop): short side to int(img_size / evaluate.crop_ratio),
// centre crop (torchvision's Resize and CenterCrop, by evaluate.interpolation); others: the image, resized only where its size is not img_size.
absl::StatusOr<std::unique_ptr<ViewSource>> NewEvaluationViews(const v1::JobSpec& spec, const dataset::Index& index);

}  // namespace deit::data
