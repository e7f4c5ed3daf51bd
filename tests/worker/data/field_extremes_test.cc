// Each number that decides what pixels are, at the ends of its range: views of the smallest, thinnest and longest pictures are rendered.
#include <png.h>

#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/numbers.h"
#include "common/base/status.h"
#include "common/dataset/index.h"
#include "common/spec/load.h"
#include "tests/support/file_content.h"
#include "tests/support/image_files.h"
#include "tests/support/temp_folder.h"
#include "worker/data/view_source.h"

namespace deit::data {
namespace {

using ::deit::testing::EncodePng;
using google::protobuf::FieldDescriptor;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

// The numbers of `group` at the ends of their ranges, as words of the command line.
void AddExtremes(const google::protobuf::Descriptor& group, const std::string& path, Words* words) {
  for (int i = 0; i < group.field_count(); ++i) {
    const FieldDescriptor* field = group.field(i);
    const v1::Range& range = field->options().GetExtension(v1::range);
    if (!range.has_min() || field->options().GetExtension(v1::effect) == v1::EXECUTION) continue;
    const bool is_real = field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE || field->cpp_type() == FieldDescriptor::CPPTYPE_FLOAT;
    const double low = range.min_exclusive() ? (is_real ? 1e-300 : range.min() + 1) : range.min();
    words->push_back(absl::StrCat(path, ".", field->name(), "=", RoundTripText(low)));
    if (range.has_max()) words->push_back(absl::StrCat(path, ".", field->name(), "=", RoundTripText(range.max())));
  }
}

class FieldExtremesTest : public ::testing::Test {
 protected:
  FieldExtremesTest() {
    int count = 0;
    for (const auto& [width, height] : {std::pair{1, 1}, {300, 2}, {2, 300}, {32768, 1}, {1, 32768}, {40, 30}}) {
      for (const int channels : {1, 3}) {
        const std::string rows(static_cast<size_t>(width * height * channels), '\x80');
        const int color_type = channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB;
        for (const char* split : {"train", "val"}) {
          const std::string path = folder_ / absl::StrCat(split, "/", count % 2, "/", count, ".png");
          std::filesystem::create_directories(std::filesystem::path(path).parent_path());
          testing::WriteFile(path, EncodePng(width, height, {.color_type = color_type}, rows));
        }
        ++count;
      }
    }
  }

  // Renders each picture for both parts. The job is refused, or each pixel is a finite number.
  Status Render(const Words& more) {
    Words words = {"model.name=deit",    "model.img_size=8", "model.patch_size=4",       "model.num_classes=2",
                   "train.batch_size=8", "train.lanes=2",    "data.format=IMAGE_FOLDER", absl::StrCat("data.root=", folder_.path())};
    words.insert(words.end(), more.begin(), more.end());
    DEIT_ASSIGN_OR_RETURN(const v1::JobSpec spec, spec::ParseSpec("", "", words));
    for (const dataset::Split split : {dataset::Split::kTrain, dataset::Split::kValidation}) {
      DEIT_ASSIGN_OR_RETURN(const auto index, dataset::OpenIndex(spec, split));
      DEIT_ASSIGN_OR_RETURN(const auto views,
                            split == dataset::Split::kTrain ? NewTrainViews(spec, *index) : NewEvaluationViews(spec, *index));
      const auto view_floats =
          static_cast<size_t>(views->channels()) * static_cast<size_t>(views->size()) * static_cast<size_t>(views->size());
      std::vector<float> pixels(view_floats * static_cast<size_t>(index->size()));
      MicroBatch batch;
      batch.pixels = pixels.data();
      for (int64_t i = 0; i < index->size(); ++i) {
        batch.views.push_back({.position = static_cast<uint64_t>(i), .epoch = 0, .image = static_cast<uint64_t>(i), .repeat = 0});
        Rendered rendered;
        DEIT_RETURN_IF_ERROR(views->Render(batch.views.back(), pixels.data() + view_floats * static_cast<size_t>(i), &rendered));
      }
      if (split == dataset::Split::kTrain) views->Mix(&batch);
      for (const float pixel : pixels) {
        if (!std::isfinite(pixel)) return absl::InternalError(absl::StrCat("a pixel is ", pixel));
      }
    }
    return absl::OkStatus();
  }

  const testing::TempFolder folder_;
};

TEST_F(FieldExtremesTest, EachEndOfEachRangeRendersOrIsRefused) {
  Words extremes = {"augment.crop=PADDED", "augment.crop=CENTER", "model.in_chans=1", "model.in_chans=2", "model.img_size=4"};
  AddExtremes(*v1::AugmentSpec::descriptor(), "augment", &extremes);
  AddExtremes(*v1::EvaluateSpec::descriptor(), "evaluate", &extremes);
  for (const char* value : {"data.mean=0", "data.mean=1", "data.std=0.0001", "data.std=100"}) extremes.emplace_back(value);
  int rendered = 0;
  for (const std::string& extreme : extremes) {
    const Status status = Render({"augment.aa=rand-m9-mstd0.5-inc1", "augment.reprob=1", "augment.mixup=0.8", "augment.cutmix=1", extreme});
    EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << extreme << ": " << status;
    rendered += status.ok();
  }
  EXPECT_GE(rendered, 35) << "of " << extremes.size();
}

TEST_F(FieldExtremesTest, TwoChannelsAreRefusedWhereverTheyComeFrom) {
  EXPECT_THAT(std::string(Render({"model.in_chans=2"}).message()),
              HasSubstr("model.in_chans: 2: pictures have 1 channel (gray) or 3 (RGB)"));
  v1::JobSpec spec = *spec::ParseSpec("", "", {"model.name=deit"});  // unchecked
  spec.mutable_model()->set_in_chans(2);
  const auto index = dataset::OpenIndex(spec, dataset::Split::kTrain);
  EXPECT_EQ(NewTrainViews(spec, **index).status().message(), "model.in_chans: 2: want 1 or 3");
}

}  // namespace
}  // namespace deit::data
