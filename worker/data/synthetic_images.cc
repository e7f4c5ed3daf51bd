#include <array>

#include "common/base/status.h"
#include "common/plan/philox.h"
#include "worker/data/image_source.h"

namespace deit::data {
namespace {

constexpr int kCells = 4;  // per side of a class's pattern
constexpr uint64_t kSeed = 0;
enum Sub : uint32_t { kPattern, kTrainNoise, kValidationNoise };

using Pattern = std::array<uint8_t, kCells * kCells * 3>;

Pattern PatternOf(int32_t label) {
  plan::RandomStream random(kSeed, static_cast<uint64_t>(label), plan::Purpose::kSyntheticImage, kPattern);
  Pattern pattern{};
  for (uint8_t& cell : pattern) cell = static_cast<uint8_t>(random.Next32() >> 24);
  return pattern;
}

class SyntheticImages final : public ImageSource {
 public:
  SyntheticImages(int size, int channels, const dataset::Index& index)
      : size_(size), channels_(channels), noise_(index.split() == dataset::Split::kTrain ? kTrainNoise : kValidationNoise), index_(index) {}

  Status Read(int64_t i, Image* image) const override {
    image->Reset(size_, size_, channels_);
    const Pattern pattern = PatternOf(index_.label(i));
    plan::RandomStream random(kSeed, static_cast<uint64_t>(i), plan::Purpose::kSyntheticImage, noise_);
    uint32_t word = 0;
    int bytes_left = 0;
    for (int y = 0; y < size_; ++y) {
      uint8_t* sample = image->row(y);
      for (int x = 0; x < size_; ++x) {
        const uint8_t* cell = &pattern[static_cast<size_t>((y * kCells / size_ * kCells + x * kCells / size_) * 3)];
        for (int c = 0; c < channels_; ++c, ++sample, word >>= 8) {
          if (bytes_left-- == 0) word = random.Next32(), bytes_left = 3;
          *sample = static_cast<uint8_t>((cell[c] + (word & 255u)) / 2);
        }
      }
    }
    return absl::OkStatus();
  }

 private:
  const int size_;
  const int channels_;
  const uint32_t noise_;
  const dataset::Index& index_;
};

}  // namespace

std::unique_ptr<ImageSource> NewSyntheticImages(const v1::JobSpec& spec, const dataset::Index& index) {
  return std::make_unique<SyntheticImages>(spec.model().img_size(), spec.model().in_chans(), index);
}

}  // namespace deit::data
