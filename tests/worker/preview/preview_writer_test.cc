#include "worker/preview/preview_writer.h"

#include <filesystem>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/checkpoint/safetensors.h"
#include "common/json/message_json.h"
#include "proto/preview.pb.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"
#include "worker/data/decode_image.h"
#include "worker/preview/view_record.h"

namespace deit::preview {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr size_t kView = size_t{3} * 16 * 16;

class PreviewTest : public ::testing::Test {
 protected:
  PreviewTest() {
    spec_.mutable_data()->set_seed(3);
    for (const float mean : {0.5f, 0.4f, 0.3f}) {
      spec_.mutable_data()->add_mean(mean);
      spec_.mutable_data()->add_std(0.25f);
    }
    spec_.mutable_model()->set_img_size(16);
    spec_.mutable_model()->set_num_classes(10);
    spec_.mutable_train()->set_batch_size(8);
    spec_.mutable_train()->set_lanes(2);
    v1::AugmentSpec* augment = spec_.mutable_augment();
    augment->set_crop(v1::AugmentSpec::PADDED);
    augment->set_aa("rand-m9-mstd0.5-inc1");
    augment->set_reprob(0.5);
    augment->set_mixup(0.8);
    augment->set_cutmix(1);
    augment->set_mixup_mode(v1::AugmentSpec::PAIR);
    index_ = *dataset::OpenIndex(spec_, dataset::Split::kTrain);
    views_ = *data::NewTrainViews(spec_, *index_);
  }

  Status Write(uint64_t begin, uint64_t end) {
    return WritePreview(files::FileSystem::Posix(), spec_, *index_, *views_, sampler_, {begin, end, folder_ / "out"});
  }

  std::vector<v1::PreviewView> Records() const {
    std::vector<v1::PreviewView> records;
    std::istringstream lines(testing::ReadFile(folder_ / "out/views.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_TRUE(json::FromJson(line, &records.emplace_back()).ok()) << line;
    }
    return records;
  }

  const testing::TempFolder folder_;
  v1::JobSpec spec_;
  std::unique_ptr<dataset::Index> index_;
  std::unique_ptr<data::ViewSource> views_;
  const plan::Sampler sampler_ = *plan::Sampler::Create({.images = 100, .batch_size = 8, .seed = 3});
};

TEST_F(PreviewTest, HoldsThePixelsThatAreTrainedOn) {
  ASSERT_TRUE(Write(2, 4).ok());
  const auto file = checkpoint::SafetensorsFile::Open(files::FileSystem::Posix(), folder_ / "out/pixels.safetensors");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(file->Find("x")->shape, ElementsAre(16, 3, 16, 16));
  std::vector<float> x(16 * kView);
  std::vector<int64_t> positions(16);
  ASSERT_TRUE(file->Read("x", x.data(), x.size() * 4).ok());
  ASSERT_TRUE(file->Read("position", positions.data(), positions.size() * sizeof(int64_t)).ok());
  for (size_t batch = 0; batch < 4; ++batch) {  // each lane of each step, without loader and preview
    data::MicroBatch expected;
    std::vector<float> pixels(4 * kView);
    expected.pixels = pixels.data();
    for (size_t slot = 0; slot < 4; ++slot) {
      EXPECT_EQ(positions[4 * batch + slot], static_cast<int64_t>(16 + 4 * batch + slot));
      expected.views.push_back(sampler_.At(16 + 4 * batch + slot));
      data::Rendered rendered;
      ASSERT_TRUE(views_->Render(expected.views.back(), pixels.data() + slot * kView, &rendered).ok());
    }
    views_->Mix(&expected);
    EXPECT_TRUE(std::equal(pixels.begin(), pixels.end(), x.begin() + static_cast<ptrdiff_t>(4 * batch * kView))) << batch;
  }
}

TEST_F(PreviewTest, SaysEverythingThatWasDrawn) {
  ASSERT_TRUE(Write(0, 8).ok());
  const auto records = Records();
  ASSERT_EQ(records.size(), 64u);
  int operations = 0, erased = 0, mixed = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    const v1::PreviewView& record = records[i];
    EXPECT_EQ(record.position(), static_cast<int64_t>(i));
    EXPECT_EQ(record.step(), static_cast<int64_t>(i / 8));
    EXPECT_EQ(record.lane(), static_cast<int>(i / 4 % 2));
    EXPECT_EQ(record.slot(), static_cast<int>(i % 4));
    EXPECT_EQ(record.image(), static_cast<int64_t>(sampler_.At(i).image));
    EXPECT_EQ(record.path(), index_->path(record.image()));
    EXPECT_EQ(record.class_name(), std::to_string(record.label()));
    data::ViewDescription description;
    ASSERT_TRUE(views_->Describe(sampler_.At(i), &description).ok());
    EXPECT_EQ(record.operations_size(), static_cast<int>(description.parameters.operations.size()));
    EXPECT_EQ(record.erasures_size(), static_cast<int>(description.parameters.erasures.size()));
    EXPECT_EQ(record.flip(), description.parameters.framing.flip);
    operations += record.operations_size();
    erased += record.erasures_size();
    mixed += record.has_mix();
    if (record.has_mix()) {
      EXPECT_EQ(record.mix().partner(), static_cast<int64_t>(i / 4 * 4 + 3 - i % 4));
    }
    const auto captions = Captions(record, "dog");
    EXPECT_EQ(captions.size(), static_cast<size_t>(3 + record.operations_size() + record.erasures_size() + record.has_mix()));
  }
  EXPECT_GT(operations, 30);
  EXPECT_GT(erased, 10);
  EXPECT_GT(mixed, 40);
}

void ExpectBox(const v1::PreviewBox& said, const pixels::Rectangle& drawn) {
  EXPECT_EQ((pixels::Rectangle{said.left(), said.top(), said.width(), said.height()}), drawn);
}

void ExpectDrawn(const v1::PreviewView& said, const augment::ViewParameters& drawn) {
  static const std::map<pixels::Filter, std::string> kFilters = {{pixels::Filter::kNearest, "nearest"},
                                                                 {pixels::Filter::kBilinear, "bilinear"},
                                                                 {pixels::Filter::kBicubic, "bicubic"},
                                                                 {pixels::Filter::kBox, "box"},
                                                                 {pixels::Filter::kLanczos, "lanczos"}};
  ExpectBox(said.crop(), drawn.framing.crop);
  EXPECT_EQ(std::make_pair(said.scaled_width(), said.scaled_height()), std::make_pair(drawn.framing.width, drawn.framing.height));
  EXPECT_EQ(std::make_pair(said.left(), said.top()), std::make_pair(drawn.framing.left, drawn.framing.top));
  EXPECT_EQ(said.filter(), kFilters.at(drawn.filter));
  ASSERT_EQ(said.operations_size(), static_cast<int>(drawn.operations.size()));
  for (int k = 0; k < said.operations_size(); ++k) {
    const augment::Operation& operation = drawn.operations[static_cast<size_t>(k)];
    EXPECT_EQ(said.operations(k).name(), operation.kind->name);
    EXPECT_EQ(said.operations(k).has_argument(), operation.kind->argument != nullptr);
    if (said.operations(k).has_argument()) {
      EXPECT_EQ(said.operations(k).argument(), operation.argument);
    }
    EXPECT_EQ(said.operations(k).filter(), operation.kind->moves_pixels ? kFilters.at(operation.filter) : "");
  }
  ASSERT_EQ(said.erasures_size(), static_cast<int>(drawn.erasures.size()));
  for (int k = 0; k < said.erasures_size(); ++k) ExpectBox(said.erasures(k), drawn.erasures[static_cast<size_t>(k)]);
}

// Everything that tests/parity/rebuild_views.py makes the pixels of again.
TEST_F(PreviewTest, RecordsHoldEachNumberThatPixelsAreMadeOf) {
  for (const auto crop : {v1::AugmentSpec::PADDED, v1::AugmentSpec::CENTER}) {
    spec_.mutable_augment()->set_crop(crop);
    spec_.mutable_augment()->set_interpolation(v1::AugmentSpec::RANDOM);
    views_ = *data::NewTrainViews(spec_, *index_);
    std::filesystem::remove_all(folder_ / "out");
    ASSERT_TRUE(Write(0, 8).ok());
    const auto records = Records();
    ASSERT_EQ(records.size(), 64u);
    std::set<std::string> mixes;
    std::vector<float> pixels(4 * kView);
    for (size_t first = 0; first < 64; first += 4) {
      data::MicroBatch drawn;
      drawn.pixels = pixels.data();
      for (size_t i = first; i < first + 4; ++i) drawn.views.push_back(sampler_.At(i));
      views_->Mix(&drawn);
      for (size_t slot = 0; slot < 4; ++slot) {
        const v1::PreviewView& record = records[first + slot];
        SCOPED_TRACE(record.position());
        data::ViewDescription description;
        ASSERT_TRUE(views_->Describe(drawn.views[slot], &description).ok());
        ExpectDrawn(record, description.parameters);
        EXPECT_THAT(record.fill(), ElementsAre(128, 102, 76));  // as Python rounds 76.5
        EXPECT_THAT(record.mean(), ElementsAre(0.5f, 0.4f, 0.3f));
        EXPECT_THAT(record.std(), ElementsAre(0.25, 0.25, 0.25));
        EXPECT_EQ(record.erased_with(), record.erasures_size() > 0 ? "pixel" : "");
        const augment::Mix& mix = drawn.mixes[slot];
        mixes.insert(record.mix().kind());
        ASSERT_EQ(record.has_mix(), mix.kind != augment::Mix::Kind::kNone);
        if (!record.has_mix()) continue;
        EXPECT_EQ(record.mix().kind(), mix.kind == augment::Mix::Kind::kCutmix ? "cutmix" : "mixup");
        EXPECT_EQ(record.mix().keep(), mix.keep);
        EXPECT_EQ(record.mix().take(), mix.take);
        if (mix.kind == augment::Mix::Kind::kCutmix) ExpectBox(record.mix().box(), mix.box);
      }
    }
    EXPECT_GE(mixes.size(), 2u) << "mixup and cutmix";
  }
}

TEST_F(PreviewTest, DrawsASheetForEachMicroBatch) {
  ASSERT_TRUE(Write(11, 12).ok());
  pixels::Image sheet;
  for (const char* name : {"out/step_00000011_lane_0.png", "out/step_00000011_lane_1.png"}) {
    const Status status = data::DecodeImage(testing::ReadFile(folder_ / name), &sheet);
    ASSERT_TRUE(status.ok()) << name << ": " << status;
    EXPECT_GE(sheet.width, 2 * 128);
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_ / "out"), {}), 4) << "and pixels and views";
}

TEST_F(PreviewTest, NeedsStepsAndMemory) {
  EXPECT_THAT(std::string(Write(4, 4).message()), HasSubstr("--steps: 4:4"));
  EXPECT_THAT(std::string(Write(0, 1u << 20).message()), HasSubstr("more than 4294967296 in all"));
}

}  // namespace
}  // namespace deit::preview
