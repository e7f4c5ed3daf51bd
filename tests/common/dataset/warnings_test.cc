#include "common/dataset/warnings.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WarningsTest : public ::testing::Test {
 protected:
  WarningsTest() {
    spec_.mutable_data()->set_format(v1::DataSpec::IMAGE_FOLDER);
    spec_.mutable_data()->set_root(folder_.path());
    spec_.mutable_model()->set_num_classes(2);
    for (const char* path : {"train/ant/0.jpg", "train/ant/1.jpg", "train/bee/0.jpg"}) Add(path);
  }
  void Add(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(folder_ / path).parent_path());
    testing::WriteFile(folder_ / path, "picture");
  }
  std::vector<std::string> Found() { return Warnings(spec_, **OpenIndex(spec_, Split::kTrain)); }

  const testing::TempFolder folder_;
  v1::JobSpec spec_;
};

TEST_F(WarningsTest, MoreOutputsThanClassesAreSaid) {
  EXPECT_THAT(Found(), IsEmpty());
  spec_.mutable_model()->set_num_classes(1000);
  EXPECT_THAT(Found(), ElementsAre("model.num_classes: 1000: the training images are of 2 classes"));
}

TEST_F(WarningsTest, TheFirstImagesOfSortedClassesAreSaid) {
  spec_.mutable_data()->set_max_images(2);
  EXPECT_THAT(Found(), ElementsAre("data.max_images: 2: the first 2 images, in the order of the data, are of 1 of 2 classes"));
  spec_.mutable_data()->set_max_images(3);
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(WarningsTest, AHiddenFolderAsAClassIsSaid) {
  Add("train/.ipynb_checkpoints/0.jpg");
  EXPECT_THAT(HintOf(OpenIndex(spec_, Split::kTrain).status()),
              HasSubstr("remove the hidden folder .ipynb_checkpoints, or set model.num_classes=3"));
  spec_.mutable_model()->set_num_classes(3);
  EXPECT_THAT(Found(), ElementsAre("data.root: the hidden folder train/.ipynb_checkpoints is class 0 (as in torchvision): remove it"));
}

}  // namespace
}  // namespace deit::dataset
