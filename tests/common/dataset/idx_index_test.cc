#include "common/dataset/idx_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/digest.h"
#include "common/base/exit_code.h"
#include "common/base/status.h"
#include "tests/support/file_content.h"
#include "tests/support/idx_content.h"
#include "tests/support/temp_folder.h"

namespace deit::dataset {
namespace {

using ::deit::testing::IdxContent;
using ::deit::testing::TempFolder;
using ::deit::testing::WriteFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::JobSpec SpecOf(const std::string& root) {
  v1::JobSpec spec;
  spec.mutable_data()->set_format(v1::DataSpec::IDX);
  spec.mutable_data()->set_root(root);
  spec.mutable_model()->set_num_classes(10);
  return spec;
}

std::vector<int> FirstLabels(const Index& index, int64_t count) {
  std::vector<int> labels;
  for (int64_t i = 0; i < count; ++i) labels.push_back(index.label(i));
  return labels;
}

TEST(FashionMnistTest, HasThePublishedImagesAndLabels) {
  const v1::JobSpec spec = SpecOf("/usr/share/datasets/fashion-mnist");  // Debian's dataset-fashion-mnist
  const auto train = OpenIndex(spec, Split::kTrain);
  ASSERT_TRUE(train.ok()) << train.status();
  EXPECT_EQ((*train)->size(), 60000);
  EXPECT_THAT(FirstLabels(**train, 10), ElementsAre(9, 0, 0, 3, 0, 2, 7, 2, 5, 5));
  EXPECT_EQ((*train)->path(59999), "train/59999");
  EXPECT_EQ((*train)->bytes(0), 784);
  const auto validation = OpenIndex(spec, Split::kValidation);
  ASSERT_TRUE(validation.ok()) << validation.status();
  EXPECT_EQ((*validation)->size(), 10000);
  EXPECT_THAT(FirstLabels(**validation, 10), ElementsAre(9, 2, 1, 1, 6, 1, 4, 6, 5, 7));
  EXPECT_EQ((*validation)->classes().size(), 10u);
  // Stored in caches and checkpoints: another value would refuse everybody's files.
  EXPECT_EQ(DigestHex((*train)->fingerprint()), "c4244695122c3a23");
  EXPECT_EQ(DigestHex((*validation)->fingerprint()), "c44360236cb68a69");
}

// Three training and two validation images of 2 x 2.
class IdxIndexTest : public ::testing::Test {
 protected:
  IdxIndexTest() {
    Write("train-images-idx3-ubyte", {3, 2, 2}, "abcdefghijkl");
    Write("train-labels-idx1-ubyte", {3}, {5, 0, 9});
    Write("t10k-images-idx3-ubyte", {2, 2, 2}, "abcdefgh");
    Write("t10k-labels-idx1-ubyte", {2}, {1, 2});
  }
  void Write(const std::string& name, const std::vector<uint32_t>& dims, const std::string& values) {
    WriteFile(folder_ / name, IdxContent(dims, values));
  }
  uint64_t Fingerprint(Split split) { return (*OpenIndex(spec_, split))->fingerprint(); }

  const TempFolder folder_;
  v1::JobSpec spec_ = SpecOf(folder_.path());
};

TEST_F(IdxIndexTest, LimitsOnlyTheTrainingImages) {
  spec_.mutable_data()->set_max_images(1);
  EXPECT_EQ((*OpenIndex(spec_, Split::kTrain))->size(), 1);
  EXPECT_EQ((*OpenIndex(spec_, Split::kValidation))->size(), 2);
  spec_.mutable_data()->set_max_images(100);
  EXPECT_EQ((*OpenIndex(spec_, Split::kTrain))->size(), 3);
}

TEST_F(IdxIndexTest, FingerprintsShowLabelsCountsAndSizes) {
  const uint64_t before = Fingerprint(Split::kTrain);
  EXPECT_EQ(Fingerprint(Split::kTrain), before);
  EXPECT_NE(Fingerprint(Split::kValidation), before);
  Write("train-labels-idx1-ubyte", {3}, {5, 0, 8});
  EXPECT_NE(Fingerprint(Split::kTrain), before);
  Write("train-labels-idx1-ubyte", {3}, {5, 0, 9});
  Write("train-images-idx3-ubyte", {3, 2, 1}, "abcdef");
  EXPECT_NE(Fingerprint(Split::kTrain), before);
  Write("train-images-idx3-ubyte", {3, 2, 2}, "abcdefghijkl");
  EXPECT_EQ(Fingerprint(Split::kTrain), before);
  spec_.mutable_data()->set_max_images(2);
  EXPECT_NE(Fingerprint(Split::kTrain), before);
}

TEST_F(IdxIndexTest, RefusesALabelBeyondTheClasses) {
  spec_.mutable_model()->set_num_classes(9);
  const Status status = OpenIndex(spec_, Split::kTrain).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("label 9 of image 2: model.num_classes is 9"));
  EXPECT_THAT(HintOf(status), HasSubstr("model.num_classes=10"));
}

TEST_F(IdxIndexTest, RefusesUnequalCounts) {
  Write("train-labels-idx1-ubyte", {2}, {5, 0});
  const Status status = OpenIndex(spec_, Split::kTrain).status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kCorrupt);
  EXPECT_THAT(std::string(status.message()), HasSubstr("2 labels, but"));
}

TEST_F(IdxIndexTest, SaysWhichPackageHasTheMissingData) {
  spec_.mutable_data()->set_root("/nowhere");
  const Status status = OpenIndex(spec_, Split::kTrain).status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kMissingInput);
  EXPECT_THAT(std::string(status.message()), HasSubstr("data.root: /nowhere/train-images-idx3-ubyte[.gz]: no such file"));
  EXPECT_THAT(HintOf(status), HasSubstr("apt-get install dataset-fashion-mnist"));
}

}  // namespace
}  // namespace deit::dataset
