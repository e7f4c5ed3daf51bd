#include "common/plan/sampler.h"

#include <limits>

namespace deit::plan {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr uint64_t kMaxBatchSize = uint64_t{1} << 32;
constexpr uint64_t kMaxRepeats = std::numeric_limits<uint32_t>::max();

uint64_t Saturated(Wide value) {
  constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();
  return value > kLargest ? kLargest : static_cast<uint64_t>(value);
}

Status OutOfRange(const char* what, uint64_t value, uint64_t largest) {
  return absl::InvalidArgumentError(absl::StrCat(what, ": ", value, ": must be 1 to ", largest));
}

}  // namespace

StatusOr<Sampler> Sampler::Create(SamplerOptions options) {
  const uint64_t images = options.images;
  const uint64_t batch_size = options.batch_size;
  if (images == 0) return absl::InvalidArgumentError("data: 0 training images: nothing to train on");
  if (images > ImagePermutation::kMaxImages) return OutOfRange("training images", images, ImagePermutation::kMaxImages);
  if (batch_size < 1 || batch_size > kMaxBatchSize) return OutOfRange("train.batch_size", batch_size, kMaxBatchSize);
  if (options.repeated_aug < 1 || options.repeated_aug > kMaxRepeats) {
    return OutOfRange("augment.repeated_aug", options.repeated_aug, kMaxRepeats);
  }
  if (options.repeat_distance > kMaxBatchSize) return OutOfRange("micro-batch", options.repeat_distance, kMaxBatchSize);
  if (options.labelled > images) {
    return WithHint(
        absl::InvalidArgumentError(absl::StrCat("data.labelled: ", options.labelled, ": more than the ", images, " training images")),
        "set data.labelled to at most that, or to 0 to keep all labels");
  }
  if (options.labelled == images) options.labelled = 0;
  options.labelled_only = options.labelled_only && options.labelled > 0;
  if (options.drop_last && images < batch_size) {
    return WithHint(absl::InvalidArgumentError(
                        absl::StrCat("train.drop_last: true: an epoch of ", images, " images has no full batch of ", batch_size)),
                    absl::StrCat("set train.batch_size to at most ", images, ", or train.drop_last=false"));
  }
  return Sampler(options, options.drop_last ? images / batch_size * batch_size : images);
}

Sampler::Place Sampler::PlaceOf(uint64_t position, uint64_t positions_per_pass) const {
  const uint64_t repeats = options_.repeated_aug, distance = options_.repeat_distance;
  if (repeats == 1 || distance == 0) {
    const uint64_t pass = position / positions_per_pass, offset = position - pass * positions_per_pass;
    if (repeats == 1) return {pass, offset, 0};  // spares a division
    const uint64_t rank = offset / repeats;
    return {pass, rank, static_cast<uint32_t>(offset - rank * repeats)};
  }
  const uint64_t group = position / (repeats * distance), offset = position - group * repeats * distance;
  const uint64_t repeat = offset / distance, shown = group * distance + offset - repeat * distance;  // images before this one
  const uint64_t images_per_pass = (positions_per_pass + repeats - 1) / repeats, pass = shown / images_per_pass;
  return {pass, shown - pass * images_per_pass, static_cast<uint32_t>(repeat)};
}

View Sampler::At(uint64_t position) const {
  const uint64_t labelled = options_.labelled;
  const uint64_t epoch = position / positions_per_epoch_;
  if (options_.labelled_only) {
    const auto [pass, rank, repeat] = PlaceOf(position, labelled);
    return {position, epoch, label_permutation_.Image(EpochPermutation(options_.seed, pass, labelled).Image(rank)), repeat};
  }
  const auto [pass, rank, repeat] = PlaceOf(position, positions_per_epoch_);
  const uint64_t image = EpochPermutation(options_.seed, pass, options_.images).Image(rank);
  return {position, epoch, image, repeat, labelled == 0 || label_permutation_.Rank(image) < labelled};
}

uint64_t Sampler::FirstStepOfEpoch(uint64_t epoch) const {
  const Wide positions = static_cast<Wide>(epoch) * positions_per_epoch_;
  return Saturated((positions + options_.batch_size - 1) / options_.batch_size);
}

uint64_t Sampler::EpochOfStep(uint64_t step) const {
  return Saturated(static_cast<Wide>(step) * options_.batch_size / positions_per_epoch_);
}

bool Sampler::EndsEpoch(uint64_t step) const {
  const Wide begin = static_cast<Wide>(step) * options_.batch_size;
  return (begin + options_.batch_size) / positions_per_epoch_ > begin / positions_per_epoch_;
}

double Sampler::EpochsAt(uint64_t step) const {
  return static_cast<double>(step) * static_cast<double>(options_.batch_size) / static_cast<double>(positions_per_epoch_);
}

}  // namespace deit::plan
