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

struct Place {
  uint64_t rank;
  uint32_t repeat;
};

Place PlaceOf(uint64_t offset, uint64_t repeats) {
  if (repeats == 1) return {offset, 0};  // spares a division
  const uint64_t rank = offset / repeats;
  return {rank, static_cast<uint32_t>(offset - rank * repeats)};
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

View Sampler::At(uint64_t position) const {
  const uint64_t labelled = options_.labelled;
  const uint64_t epoch = position / positions_per_epoch_;
  if (options_.labelled_only) {
    const uint64_t pass = position / labelled;
    const auto [rank, repeat] = PlaceOf(position - pass * labelled, options_.repeated_aug);
    return {position, epoch, label_permutation_.Image(EpochPermutation(options_.seed, pass, labelled).Image(rank)), repeat};
  }
  const auto [rank, repeat] = PlaceOf(position - epoch * positions_per_epoch_, options_.repeated_aug);
  const uint64_t image = EpochPermutation(options_.seed, epoch, options_.images).Image(rank);
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
