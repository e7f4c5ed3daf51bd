#include "worker/data/view_source.h"

#include <chrono>
#include <filesystem>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include "common/base/digest.h"
#include "common/base/exit_code.h"
#include "common/base/status.h"
#include "tests/support/file_content.h"
#include "tests/support/idx_content.h"
#include "tests/support/image_files.h"
#include "tests/support/synthetic_image.h"
#include "tests/support/tar_content.h"
#include "tests/support/temp_folder.h"
#include "worker/augment/erasing.h"
#include "worker/augment/framing.h"
#include "worker/data/micro_batch.h"
#include "worker/pixels/resize.h"

namespace deit::data {
namespace {

using augment::Framing;
using augment::TrainFraming;
using pixels::Filter;
using pixels::Resizer;

using ::deit::testing::EncodeJpeg;
using ::deit::testing::EncodePng;
using ::deit::testing::IdxContent;
using ::deit::testing::TarMember;
using ::deit::testing::TempFolder;
using ::deit::testing::WriteFile;
using ::testing::HasSubstr;

plan::View ViewOf(uint64_t position, uint64_t image) { return {.position = position, .epoch = 0, .image = image, .repeat = 0}; }

// A data set on disk or none, its index, and views of it.
class ViewSourceTest : public ::testing::Test {
 protected:
  void Resolve(v1::DataSpec::Format format, int size, int channels, v1::AugmentSpec::Crop crop) {
    spec_.mutable_data()->set_format(format);
    spec_.mutable_data()->set_root(folder_.path());
    spec_.mutable_data()->set_seed(3);
    spec_.mutable_data()->clear_mean();
    spec_.mutable_data()->clear_std();
    for (int c = 0; c < channels; ++c) {
      spec_.mutable_data()->add_mean(0.25f + 0.25f * static_cast<float>(c));
      spec_.mutable_data()->add_std(0.5f);
    }
    spec_.mutable_model()->set_img_size(size);
    spec_.mutable_model()->set_in_chans(channels);
    spec_.mutable_model()->set_num_classes(10);
    spec_.mutable_augment()->set_crop(crop);
  }

  Status Open(dataset::Split split = dataset::Split::kTrain) {
    DEIT_ASSIGN_OR_RETURN(index_, dataset::OpenIndex(spec_, split));
    auto views = split == dataset::Split::kTrain ? NewTrainViews(spec_, *index_) : NewEvaluationViews(spec_, *index_);
    DEIT_ASSIGN_OR_RETURN(views_, std::move(views));
    return absl::OkStatus();
  }

  std::vector<float> Render(const plan::View& view) const {
    const auto size = static_cast<size_t>(views_->size());
    std::vector<float> pixels(static_cast<size_t>(views_->channels()) * size * size, -99.0f);
    Rendered rendered{-2, true};
    const Status status = views_->Render(view, pixels.data(), &rendered);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_FALSE(rendered.replaced);
    EXPECT_EQ(rendered.label, view.labelled ? index_->label(static_cast<int64_t>(view.image)) : kUnlabelled);
    return pixels;
  }

  // Two gray training images of 4 x 4: 0 .. 15 and 100 .. 115.
  void WriteIdx() {
    std::string values;
    for (const int first : {0, 100}) {
      for (int i = 0; i < 16; ++i) values += static_cast<char>(first + i);
    }
    WriteFile(folder_ / "train-images-idx3-ubyte", IdxContent({2, 4, 4}, values));
    WriteFile(folder_ / "train-labels-idx1-ubyte", IdxContent({2}, {7, 1}));
  }

  void WriteImage(const std::string& path, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::path(folder_ / path).parent_path());
    WriteFile(folder_ / path, content);
  }

  const TempFolder folder_;
  v1::JobSpec spec_;
  std::unique_ptr<dataset::Index> index_;
  std::unique_ptr<ViewSource> views_;
};

float Normalised(int sample, float mean = 0.25f) { return (static_cast<float>(sample) / 255.0f - mean) / 0.5f; }

TEST_F(ViewSourceTest, PadsFlipsAndNormalises) {
  WriteIdx();
  Resolve(v1::DataSpec::IDX, 4, 1, v1::AugmentSpec::PADDED);
  ASSERT_TRUE(Open().ok());
  bool flipped = false, padded = false;
  for (uint64_t position = 0; position < 50; ++position) {
    const Framing framing = TrainFraming(spec_, position, 4, 4);
    const std::vector<float> pixels = Render(ViewOf(position, 1));
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < 4; ++x) {
        const int from_x = framing.left + (framing.flip ? 3 - x : x), from_y = framing.top + y;
        const bool inside = from_x >= 0 && from_x < 4 && from_y >= 0 && from_y < 4;
        const int sample = inside ? 100 + 4 * from_y + from_x : 0;
        EXPECT_EQ(pixels[static_cast<size_t>(4 * y + x)], Normalised(sample)) << "position " << position << " x " << x << " y " << y;
        padded |= !inside;
      }
    }
    flipped |= framing.flip;
  }
  EXPECT_TRUE(flipped && padded);
}

TEST_F(ViewSourceTest, ShowsNothingButPaddingWhereTheWindowLeavesThePicture) {
  WriteIdx();
  for (const int size : {1, 2}) {  // 4 x 4 is scaled first
    Resolve(v1::DataSpec::IDX, size, 1, v1::AugmentSpec::PADDED);
    spec_.mutable_augment()->set_crop_padding(256);
    ASSERT_TRUE(Open().ok());
    for (uint64_t position = 0; position < 20; ++position) EXPECT_EQ(Render(ViewOf(position, 1)).front(), Normalised(0));
  }
}

TEST_F(ViewSourceTest, KeepsTheLabelOfAnUnlabelledViewToItself) {
  WriteIdx();
  Resolve(v1::DataSpec::IDX, 4, 1, v1::AugmentSpec::PADDED);
  ASSERT_TRUE(Open().ok());
  plan::View view = ViewOf(3, 1);
  const std::vector<float> labelled = Render(view);
  view.labelled = false;
  EXPECT_EQ(Render(view), labelled);  // Render() looks at the label
}

TEST_F(ViewSourceTest, EvaluatesThePlainImage) {
  WriteIdx();
  std::filesystem::copy(folder_ / "train-images-idx3-ubyte", folder_ / "t10k-images-idx3-ubyte");
  std::filesystem::copy(folder_ / "train-labels-idx1-ubyte", folder_ / "t10k-labels-idx1-ubyte");
  Resolve(v1::DataSpec::IDX, 4, 3, v1::AugmentSpec::PADDED);
  ASSERT_TRUE(Open(dataset::Split::kValidation).ok());
  const std::vector<float> pixels = Render(ViewOf(5, 1));
  for (size_t i = 0; i < 16; ++i) {
    const int sample = 100 + static_cast<int>(i);
    EXPECT_EQ(pixels[i], Normalised(sample));
    EXPECT_EQ(pixels[16 + i], Normalised(sample, 0.5f));
    EXPECT_EQ(pixels[32 + i], Normalised(sample, 0.75f));
  }
  EXPECT_EQ(Render(ViewOf(6, 1)), pixels);
}

TEST_F(ViewSourceTest, ReadsCifarsPlanes) {
  for (int k = 1; k <= 5; ++k) {  // two images each, of label k and k + 1; sample: 50 c + x + 2 * label
    std::string content;
    for (const int label : {k, k + 1}) {
      content += static_cast<char>(label);
      for (int i = 0; i < 3072; ++i) content += static_cast<char>(i / 1024 * 50 + i % 32 + 2 * label);
    }
    WriteFile(folder_ / absl::StrCat("data_batch_", k, ".bin"), content);
  }
  Resolve(v1::DataSpec::CIFAR, 32, 3, v1::AugmentSpec::CENTER);
  spec_.mutable_augment()->set_hflip(0);
  ASSERT_TRUE(Open().ok());
  ASSERT_EQ(index_->size(), 10);
  for (int64_t image = 0; image < 10; ++image) {
    const int label = static_cast<int>(image / 2 + 1 + image % 2);
    EXPECT_EQ(index_->label(image), label);
    const std::vector<float> pixels = Render(ViewOf(0, static_cast<uint64_t>(image)));
    for (size_t i = 0; i < pixels.size(); ++i) {
      const int c = static_cast<int>(i) / 1024, x = static_cast<int>(i) % 32;
      ASSERT_EQ(pixels[i], Normalised(50 * c + x + 2 * label, 0.25f + 0.25f * static_cast<float>(c))) << image << " " << i;
    }
  }
}

TEST_F(ViewSourceTest, RefusesAnIdxFileCutAfterItsHeader) {
  WriteIdx();
  Resolve(v1::DataSpec::IDX, 4, 1, v1::AugmentSpec::PADDED);
  std::filesystem::resize_file(folder_ / "train-images-idx3-ubyte", 40);
  EXPECT_EQ(Open().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ViewSourceTest, IsAPureFunctionOfTheViewInEveryThread) {
  std::string noise;
  for (int i = 0; i < 40 * 30 * 3; ++i) noise += static_cast<char>(i * i * 31 >> 3);
  WriteImage("train/a/1.png", EncodePng(40, 30, {.color_type = PNG_COLOR_TYPE_RGB}, noise));
  WriteImage("train/b/2.jpg", EncodeJpeg(30, 40, 3, noise));
  WriteImage("train/b/3.jpg", EncodeJpeg(60, 60, 1, noise));
  Resolve(v1::DataSpec::IMAGE_FOLDER, 16, 3, v1::AugmentSpec::RESIZED);
  ASSERT_TRUE(Open().ok());
  constexpr uint64_t kViews = 60;
  std::vector<std::vector<float>> expected;
  for (uint64_t position = 0; position < kViews; ++position) expected.push_back(Render(ViewOf(position, position % 3)));
  EXPECT_NE(expected[0], expected[3]);  // one image, two views
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t k = 0; k < kViews; ++k) {
        const uint64_t position = (k * 7 + t * 13) % kViews;  // each thread in another order
        EXPECT_EQ(Render(ViewOf(position, position % 3)), expected[position]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(ViewSourceTest, RendersTheFramedCropOfAPicture) {
  std::string samples;
  for (int i = 0; i < 40 * 30; ++i) samples += static_cast<char>(i * 7);
  WriteImage("train/a/1.png", EncodePng(40, 30, {.color_type = PNG_COLOR_TYPE_GRAY}, samples));
  Resolve(v1::DataSpec::IMAGE_FOLDER, 16, 1, v1::AugmentSpec::RESIZED);
  ASSERT_TRUE(Open().ok());
  Image picture, scaled;
  picture.Reset(40, 30, 1);
  std::copy(samples.begin(), samples.end(), picture.pixels.begin());
  for (uint64_t position = 0; position < 20; ++position) {
    const Framing framing = TrainFraming(spec_, position, 40, 30);
    Resizer().Resize(picture, framing.crop, 16, 16, {0, 0, 16, 16}, Filter::kBicubic, &scaled);
    const std::vector<float> pixels = Render(ViewOf(position, 0));
    for (size_t i = 0; i < 256; ++i) {
      const size_t x = i % 16, from = framing.flip ? i - x + 15 - x : i;
      EXPECT_EQ(pixels[i], Normalised(scaled.pixels[from]));
    }
  }
}

// Pictures by index, 20 x 20; counts how often each is read.
class CountedImages final : public ImageSource {
 public:
  explicit CountedImages(std::map<int64_t, int>* reads) : reads_(reads) {}
  Status Read(int64_t i, Image* image) const override {
    ++(*reads_)[i];
    *image = deit::testing::SyntheticImage(20 + static_cast<int>(i), 20, 3);
    return absl::OkStatus();
  }

 private:
  std::map<int64_t, int>* reads_;
};

TEST_F(ViewSourceTest, DecodesOnceWhatIsShownSeveralTimesInARow) {
  Resolve(v1::DataSpec::SYNTHETIC, 16, 3, v1::AugmentSpec::PADDED);
  ASSERT_TRUE(Open().ok());
  std::map<int64_t, int> reads;
  views_ = *NewTrainViews(spec_, *index_, std::make_unique<CountedImages>(&reads));
  const std::vector<float> first = Render(ViewOf(1, 7));
  EXPECT_NE(Render(ViewOf(2, 7)), first);
  EXPECT_EQ(Render(ViewOf(1, 7)), first);
  EXPECT_EQ(reads[7], 1);
  Render(ViewOf(3, 8));
  EXPECT_EQ(Render(ViewOf(1, 7)), first);
  EXPECT_EQ(reads[7], 2);
  views_ = *NewTrainViews(spec_, *index_, std::make_unique<CountedImages>(&reads));  // a picture belongs to its source
  Render(ViewOf(1, 7));
  EXPECT_EQ(reads[7], 3);
}

// Pictures of another source, each decoded whole; counts how often one is read.
class WholePictures final : public ImageSource {
 public:
  WholePictures(std::unique_ptr<ImageSource> pictures, int* reads) : pictures_(std::move(pictures)), reads_(reads) {}
  Status Read(int64_t i, Image* image) const override {
    ++*reads_;
    return pictures_->Read(i, image);
  }

 private:
  std::unique_ptr<ImageSource> pictures_;
  int* reads_;
};

TEST_F(ViewSourceTest, ShowsOfAPartWhatTheWholeWouldShow) {
  const pixels::Image noise = deit::testing::SyntheticImage(150, 110, 3);
  const std::string samples(noise.pixels.begin(), noise.pixels.end());
  WriteImage("train/a/1.jpg", EncodeJpeg(150, 110, {.across = 2, .down = 2}, samples));
  WriteImage("train/b/2.jpg", EncodeJpeg(110, 150, {.channels = 1, .across = 2, .down = 2, .progressive = true}, samples));
  for (const auto crop : {v1::AugmentSpec::RESIZED, v1::AugmentSpec::PADDED, v1::AugmentSpec::CENTER}) {
    for (const int size : {16, 97}) {  // 97: the centre keeps its size
      Resolve(v1::DataSpec::IMAGE_FOLDER, size, 3, crop);
      spec_.mutable_augment()->set_crop_padding(2 * size);  // half of the windows show nothing
      spec_.mutable_augment()->set_interpolation(v1::AugmentSpec::RANDOM);
      ASSERT_TRUE(Open().ok());
      std::map<uint64_t, std::vector<float>> shown;
      const auto view = [](uint64_t position) { return ViewOf(position, position / 2 % 2); };  // each image twice in a row
      for (uint64_t position = 0; position < 60; ++position) shown[position] = Render(view(position));
      int reads = 0;
      views_ = *NewTrainViews(spec_, *index_, std::make_unique<WholePictures>(NewStoredImages(spec_, *index_), &reads));
      for (uint64_t position = 0; position < 60; ++position) ASSERT_EQ(Render(view(position)), shown[position]) << position;
      EXPECT_EQ(reads, 30) << "what is there is not read again";
    }
  }
}

TEST_F(ViewSourceTest, DecodesTheWholeOfWhatIsRepeated) {
  const pixels::Image noise = deit::testing::SyntheticImage(150, 110, 3);
  WriteImage("train/a/1.jpg", EncodeJpeg(150, 110, 3, {noise.pixels.begin(), noise.pixels.end()}));
  Resolve(v1::DataSpec::IMAGE_FOLDER, 16, 3, v1::AugmentSpec::RESIZED);
  spec_.mutable_augment()->set_repeated_aug(3);
  ASSERT_TRUE(Open().ok());
  Render(ViewOf(0, 0));
  WriteFile(folder_ / "train/a/1.jpg", "gone");
  Render(ViewOf(1, 0));
  Render(ViewOf(2, 0));
}

TEST_F(ViewSourceTest, FollowsWhatItDescribes) {
  Resolve(v1::DataSpec::SYNTHETIC, 16, 3, v1::AugmentSpec::PADDED);
  spec_.mutable_augment()->set_aa("rand-m9-mstd0.5-inc1");
  spec_.mutable_augment()->set_reprob(0.5);
  ASSERT_TRUE(Open().ok());
  pixels::Image picture, scratch;
  ViewDescription description;
  int operations = 0, erasures = 0;
  for (uint64_t position = 0; position < 60; ++position) {
    const auto view = ViewOf(position, 4);
    ASSERT_TRUE(views_->Describe(view, &description).ok());
    const augment::ViewParameters& parameters = description.parameters;
    EXPECT_EQ(description.shown, 4);
    EXPECT_EQ(description.width, 16);
    const auto index = NewSyntheticImages(spec_, *index_);
    ASSERT_TRUE(index->Read(4, &picture).ok());
    pixels::Image window;
    window.Reset(16, 16, 3);
    for (int y = 0; y < 16; ++y) {
      for (int x = 0; x < 16; ++x) {
        const Framing& f = parameters.framing;
        const int from_x = f.left + (f.flip ? 15 - x : x), from_y = f.top + y;
        const bool inside = from_x >= 0 && from_x < 16 && from_y >= 0 && from_y < 16;
        for (int c = 0; c < 3; ++c) window.row(y)[3 * x + c] = inside ? picture.row(from_y)[3 * from_x + c] : uint8_t{0};
      }
    }
    for (const auto& operation : parameters.operations) operation.kind->apply(operation, {{64, 128, 191}, &scratch}, &window);
    std::vector<float> expected(size_t{3} * 256);
    for (size_t i = 0; i < 256; ++i) {
      for (size_t c = 0; c < 3; ++c) expected[256 * c + i] = Normalised(window.pixels[3 * i + c], 0.25f + 0.25f * static_cast<float>(c));
    }
    augment::Erase(v1::AugmentSpec::PIXEL, 3, position, parameters.erasures, 3, 16, expected.data());
    EXPECT_EQ(Render(view), expected) << position;
    operations += static_cast<int>(parameters.operations.size());
    erasures += static_cast<int>(parameters.erasures.size());
  }
  EXPECT_GT(operations, 30);
  EXPECT_GT(erasures, 10);
}

TEST_F(ViewSourceTest, MixesAMicroBatchAsDrawn) {
  Resolve(v1::DataSpec::SYNTHETIC, 16, 3, v1::AugmentSpec::PADDED);
  spec_.mutable_augment()->set_mixup(0.8);
  ASSERT_TRUE(Open().ok());
  MicroBatch batch;
  std::vector<float> pixels, expected;
  for (uint64_t position = 32; position < 36; ++position) {
    batch.views.push_back(ViewOf(position, position));
    const auto view = Render(batch.views.back());
    pixels.insert(pixels.end(), view.begin(), view.end());
  }
  expected = pixels;
  batch.pixels = pixels.data();
  views_->Mix(&batch);
  std::vector<augment::Mix> mixes;
  augment::DrawMixes(spec_.augment(), 3, 32, 4, 16, &mixes);
  EXPECT_EQ(batch.mixes, mixes);
  EXPECT_EQ(mixes[0].kind, augment::Mix::Kind::kMixup);
  augment::ApplyMixes(mixes, 3, 16, expected.data());
  EXPECT_EQ(pixels, expected);
}

TEST_F(ViewSourceTest, NeverChanges) {  // other pixels would make other weights of every job
  Resolve(v1::DataSpec::SYNTHETIC, 32, 3, v1::AugmentSpec::RESIZED);
  v1::AugmentSpec* augment = spec_.mutable_augment();
  augment->set_reprob(0.6);
  augment->set_recount(3);
  augment->set_mixup(0.8);
  augment->set_cutmix(1);
  augment->set_mixup_mode(v1::AugmentSpec::ELEM);
  augment->set_interpolation(v1::AugmentSpec::RANDOM);
  augment->set_color_jitter(0.4);
  const auto digest = [this](const char* aa, v1::AugmentSpec::Erasing remode) {
    spec_.mutable_augment()->set_aa(aa);
    spec_.mutable_augment()->set_remode(remode);
    EXPECT_TRUE(Open().ok());
    MicroBatch batch;
    std::vector<float> pixels;
    for (uint64_t position = 100; position < 116; ++position) {
      batch.views.push_back(ViewOf(position, position / 3));
      const auto view = Render(batch.views.back());
      pixels.insert(pixels.end(), view.begin(), view.end());
    }
    batch.pixels = pixels.data();
    views_->Mix(&batch);
    return DigestHex(Digest64(pixels.data(), pixels.size() * sizeof(float)));
  };
  EXPECT_EQ(digest("rand-m9-mstd0.5-inc1", v1::AugmentSpec::PIXEL), "c0964e99ec9187ab");
  EXPECT_EQ(digest("rand-m8-mstd101-n3-t3aw", v1::AugmentSpec::RAND), "b93eeb145e232161");
  EXPECT_EQ(digest("", v1::AugmentSpec::CONST), "40263d27dad5592b");
}

TEST_F(ViewSourceTest, NamesABrokenPicture) {
  const std::string jpeg = EncodeJpeg(30, 40, 1, std::string(1200, 'x'));
  WriteImage("train/a/1.jpg", jpeg.substr(0, jpeg.size() / 2));
  WriteImage("train/a/2.jpg", jpeg);
  Resolve(v1::DataSpec::IMAGE_FOLDER, 16, 1, v1::AugmentSpec::RESIZED);
  ASSERT_TRUE(Open().ok());
  std::vector<float> pixels(256);
  Rendered rendered;
  Status status = views_->Render(ViewOf(0, 0), pixels.data(), &rendered);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_ / "train/a/1.jpg: broken JPEG"));
  EXPECT_THAT(HintOf(status), HasSubstr("data.on_bad_image=REPLACE"));
  WriteFile(folder_ / "train/a/2.jpg", jpeg + "x");
  status = views_->Render(ViewOf(0, 1), pixels.data(), &rendered);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("train/a/2.jpg: " + absl::StrCat(jpeg.size() + 1, " bytes: it had ", jpeg.size())));
  std::filesystem::remove(folder_ / "train/a/2.jpg");
  status = views_->Render(ViewOf(0, 1), pixels.data(), &rendered);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), folder_ / "train/a/2.jpg: cannot open: no such file or directory");
  EXPECT_THAT(HintOf(status), HasSubstr("put it back"));
  std::filesystem::remove_all(folder_ / "train/a");
  WriteFile(folder_ / "train/a", "");
  status = views_->Render(ViewOf(0, 1), pixels.data(), &rendered);
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kMissingInput) << "not our bug: " << status;
}

TEST_F(ViewSourceTest, ReplacesABrokenPictureByTheSameOtherOne) {
  std::vector<std::string> good;
  for (int k = 0; k < 6; ++k) {
    good.push_back(EncodeJpeg(30, 40, 1, std::string(1200, static_cast<char>(20 * k))));
    WriteImage(absl::StrCat("train/", k % 2, "/", k, ".jpg"), good.back());
  }
  const std::string broken = folder_ / "train/0/2.jpg";
  WriteFile(broken, "text");
  Resolve(v1::DataSpec::IMAGE_FOLDER, 16, 1, v1::AugmentSpec::RESIZED);
  spec_.mutable_data()->set_on_bad_image(v1::DataSpec::REPLACE);
  ASSERT_TRUE(Open().ok());
  const uint64_t bad = 1;  // of 0/0, 0/2, 0/4, 1/1, 1/3, 1/5
  std::vector<float> pixels(256), again(256);
  Rendered rendered, rendered_again;
  ASSERT_TRUE(views_->Render(ViewOf(5, bad), pixels.data(), &rendered).ok());
  uint64_t shown = 0;  // whose plain gray it is, and its label
  for (uint64_t image = 0; image < 6; ++image) {
    if (image != bad && Render(ViewOf(5, image)) == pixels) shown = image + 1;
  }
  ASSERT_GT(shown, 0u);
  EXPECT_EQ(rendered.label, index_->label(static_cast<int64_t>(shown) - 1));
  EXPECT_TRUE(rendered.replaced);
  for (const uint64_t position : {uint64_t{5}, uint64_t{99}}) {
    ASSERT_TRUE(Open().ok());
    ASSERT_TRUE(views_->Render(ViewOf(position, bad), again.data(), &rendered_again).ok());
    EXPECT_EQ(again, pixels) << "another view of the same gray";
    EXPECT_EQ(rendered_again.label, rendered.label);
    EXPECT_TRUE(rendered_again.replaced);
  }
  ASSERT_TRUE(Open().ok());
  std::filesystem::remove(broken);  // what is missing is not replaced
  EXPECT_EQ(views_->Render(ViewOf(5, bad), pixels.data(), &rendered).code(), absl::StatusCode::kNotFound);
}

TEST_F(ViewSourceTest, AShardThatWasCutSinceItWasListedHasNoBadPictures) {
  const std::string jpeg = EncodeJpeg(30, 40, 1, std::string(1200, 'x'));
  WriteFile(folder_ / "train.tar", TarMember("0.jpg", jpeg) + TarMember("0.cls", "1") + std::string(1024, '\0'));
  Resolve(v1::DataSpec::TAR, 16, 1, v1::AugmentSpec::RESIZED);
  spec_.mutable_data()->set_on_bad_image(v1::DataSpec::REPLACE);
  ASSERT_TRUE(Open().ok());
  std::vector<float> pixels(256);
  Rendered rendered;
  ASSERT_TRUE(views_->Render(ViewOf(0, 0), pixels.data(), &rendered).ok());
  ASSERT_TRUE(Open().ok());
  std::filesystem::resize_file(folder_ / "train.tar", 600);
  const Status status = views_->Render(ViewOf(0, 0), pixels.data(), &rendered);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kCorrupt);
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_ / "train.tar: 600 bytes: it had "));
}

TEST_F(ViewSourceTest, WhatWasWrittenAgainWithAsManyBytesIsNoBadPicture) {
  const std::string jpeg = EncodeJpeg(30, 40, 1, std::string(1200, 'x'));
  const std::string tar = TarMember("0.jpg", jpeg) + TarMember("0.cls", "1") + std::string(1024, '\0');
  for (const bool in_shards : {false, true}) {
    const std::string file = in_shards ? "train.tar" : "train/a/0.jpg", content = in_shards ? tar : jpeg;
    WriteImage(file, content);
    const auto listed = std::filesystem::last_write_time(folder_ / file);
    Resolve(in_shards ? v1::DataSpec::TAR : v1::DataSpec::IMAGE_FOLDER, 16, 1, v1::AugmentSpec::RESIZED);
    spec_.mutable_data()->set_on_bad_image(v1::DataSpec::REPLACE);
    ASSERT_TRUE(Open().ok());
    WriteFile(folder_ / file, std::string(content.size(), 'x'));
    std::filesystem::last_write_time(folder_ / file, listed + std::chrono::minutes(1));
    std::vector<float> pixels(256);
    Rendered rendered;
    const Status status = views_->Render(ViewOf(0, 0), pixels.data(), &rendered);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << "a changed picture is never replaced: " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(folder_ / file + ": modified at "));
    EXPECT_THAT(HintOf(status), HasSubstr("listed again"));
    std::filesystem::remove_all(folder_ / "train");
  }
}

TEST_F(ViewSourceTest, OfABrokenValidationPictureTheAdviceHelpsThere) {
  WriteImage("train/a/0.jpg", "text");
  WriteImage("val/a/0.jpg", "text");
  Resolve(v1::DataSpec::IMAGE_FOLDER, 16, 1, v1::AugmentSpec::RESIZED);
  spec_.mutable_data()->set_on_bad_image(v1::DataSpec::REPLACE);
  ASSERT_TRUE(Open(dataset::Split::kValidation).ok());
  std::vector<float> pixels(256);
  Rendered rendered;
  EXPECT_EQ(HintOf(views_->Render(ViewOf(0, 0), pixels.data(), &rendered)),
            "mend or remove it: every validation image counts, so that none is replaced");
}

TEST_F(ViewSourceTest, SpreadRepeatsDecodeWhatTheyShow) {
  const pixels::Image noise = deit::testing::SyntheticImage(150, 110, 3);
  WriteImage("train/a/1.jpg", EncodeJpeg(150, 110, 3, {noise.pixels.begin(), noise.pixels.end()}));
  Resolve(v1::DataSpec::IMAGE_FOLDER, 16, 3, v1::AugmentSpec::RESIZED);
  spec_.mutable_augment()->set_repeated_aug(3);
  std::vector<std::vector<float>> shown;
  for (const bool spread : {false, true}) {
    spec_.mutable_augment()->set_spread_repeats(spread);
    ASSERT_TRUE(Open().ok());
    for (uint64_t position = 0; position < 4; ++position) shown.push_back(Render(ViewOf(position, 0)));
  }
  for (size_t k = 0; k < 4; ++k) EXPECT_EQ(shown[k], shown[k + 4]) << "a view is its position's, wherever it is";
}

TEST_F(ViewSourceTest, SaysWhenEveryPictureIsBroken) {
  for (int k = 0; k < 3; ++k) WriteImage(absl::StrCat("train/a/", k, ".jpg"), "text");
  Resolve(v1::DataSpec::IMAGE_FOLDER, 16, 1, v1::AugmentSpec::RESIZED);
  spec_.mutable_data()->set_on_bad_image(v1::DataSpec::REPLACE);
  ASSERT_TRUE(Open().ok());
  std::vector<float> pixels(256);
  Rendered rendered;
  const Status status = views_->Render(ViewOf(0, 0), pixels.data(), &rendered);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("100 images that might replace it are bad too"));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(folder_ / "train/a/0.jpg: neither JPEG, PNG, PPM, BMP, TIFF nor WebP: it begins with"));
}

TEST_F(ViewSourceTest, NeedsAMeanAndAPositiveStdForEachChannel) {
  WriteIdx();
  Resolve(v1::DataSpec::IDX, 4, 1, v1::AugmentSpec::PADDED);
  spec_.mutable_data()->add_std(1.0f);
  EXPECT_THAT(std::string(Open().message()), HasSubstr("data.std: 2 values: model.in_chans is 1"));
  Resolve(v1::DataSpec::IDX, 4, 1, v1::AugmentSpec::PADDED);
  spec_.mutable_data()->set_std(0, 0.0f);
  EXPECT_THAT(std::string(Open().message()), HasSubstr("data.std: 0: must be greater than 0"));
}

double Distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

TEST_F(ViewSourceTest, MakesUpImagesWhoseClassCanBeLearned) {
  Resolve(v1::DataSpec::SYNTHETIC, 16, 3, v1::AugmentSpec::PADDED);
  ASSERT_TRUE(Open(dataset::Split::kValidation).ok());
  const auto validation = Render(ViewOf(0, 13)), same_class = Render(ViewOf(0, 23)), other_class = Render(ViewOf(0, 14));
  EXPECT_GT(Distance(validation, same_class), 0);
  EXPECT_LT(Distance(validation, same_class), Distance(validation, other_class));
  spec_.mutable_augment()->set_crop(v1::AugmentSpec::CENTER);
  spec_.mutable_augment()->set_hflip(0);
  ASSERT_TRUE(Open().ok());
  const auto train = Render(ViewOf(0, 13));
  EXPECT_NE(train, validation);
  EXPECT_LT(Distance(train, validation), Distance(train, other_class));
  spec_.mutable_data()->set_seed(4);
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(Render(ViewOf(0, 13)), train);
}

}  // namespace
}  // namespace deit::data
