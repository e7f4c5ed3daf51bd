#include "common/dataset/cifar_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::dataset {
namespace {

using ::deit::testing::TempFolder;
using ::deit::testing::WriteFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// `labels` and as many grays.
std::string Records(std::initializer_list<int> labels, int label_bytes = 1) {
  std::string bytes;
  for (const int label : labels) {
    if (label_bytes == 2) bytes += static_cast<char>(99 - label);
    bytes += static_cast<char>(label);
    bytes.append(kCifarPixelBytes, static_cast<char>(label));
  }
  return bytes;
}

class CifarIndexTest : public ::testing::Test {
 protected:
  CifarIndexTest() {
    spec_.mutable_data()->set_format(v1::DataSpec::CIFAR);
    spec_.mutable_data()->set_root(folder_.path());
    spec_.mutable_model()->set_num_classes(10);
  }
  void WriteTen() {
    for (int k = 1; k <= 5; ++k) WriteFile(folder_ / absl::StrCat("data_batch_", k, ".bin"), Records({k, 9 - k}));
    WriteFile(folder_ / "test_batch.bin", Records({3}));
    WriteFile(folder_ / "batches.meta.txt", "airplane\nautomobile\nbird\n\n");
  }
  std::string ErrorOf(Split split) const { return std::string(OpenIndex(spec_, split).status().message()); }

  const TempFolder folder_;
  v1::JobSpec spec_;
};

TEST_F(CifarIndexTest, ReadsTheFiveBatchesInOrder) {
  WriteTen();
  const auto index = OpenIndex(spec_, Split::kTrain);
  ASSERT_TRUE(index.ok()) << index.status();
  std::vector<int> labels;
  for (int64_t i = 0; i < (*index)->size(); ++i) labels.push_back((*index)->label(i));
  EXPECT_THAT(labels, ElementsAre(1, 8, 2, 7, 3, 6, 4, 5, 5, 4));
  EXPECT_EQ((*index)->path(9), "train/9");
  EXPECT_EQ((*index)->bytes(0), 3072);
  ASSERT_EQ((*index)->classes().size(), 10u);
  EXPECT_EQ((*index)->classes()[2], "bird");
  EXPECT_EQ((*index)->classes()[9], "9");
  const auto validation = OpenIndex(spec_, Split::kValidation);
  ASSERT_TRUE(validation.ok()) << validation.status();
  EXPECT_EQ((*validation)->size(), 1);
  EXPECT_EQ((*validation)->label(0), 3);
  spec_.mutable_data()->set_max_images(3);
  EXPECT_EQ((*OpenIndex(spec_, Split::kTrain))->size(), 3);
}

TEST_F(CifarIndexTest, TakesTheFineLabelOfCifar100) {
  WriteFile(folder_ / "train.bin", Records({7, 99}, 2));
  WriteFile(folder_ / "test.bin", Records({42}, 2));
  EXPECT_THAT(ErrorOf(Split::kTrain), HasSubstr("label 99 of image 1: model.num_classes is 10"));
  spec_.mutable_model()->set_num_classes(100);
  EXPECT_EQ((*OpenIndex(spec_, Split::kTrain))->label(1), 99);
  EXPECT_EQ((*OpenIndex(spec_, Split::kValidation))->label(0), 42);
}

TEST_F(CifarIndexTest, NamesWhatIsMissingOrCut) {
  EXPECT_THAT(ErrorOf(Split::kTrain), HasSubstr(folder_ / "data_batch_1.bin"));
  WriteTen();
  WriteFile(folder_ / "data_batch_4.bin", Records({1}) + "x");
  EXPECT_THAT(ErrorOf(Split::kTrain), HasSubstr("data_batch_4.bin: 3074 bytes: not whole records of 3073"));
  WriteFile(folder_ / "test_batch.bin", "");
  EXPECT_THAT(ErrorOf(Split::kValidation), HasSubstr("test_batch.bin: 0 bytes"));
}

}  // namespace
}  // namespace deit::dataset
