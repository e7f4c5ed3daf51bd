#include <unistd.h>

#include <chrono>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/exit_code.h"
#include "common/base/status.h"
#include "common/dataset/index.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::dataset {
namespace {

namespace fs = std::filesystem;
using ::deit::testing::TempFolder;
using ::deit::testing::WriteFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ImageFolderIndexTest : public ::testing::Test {
 protected:
  ImageFolderIndexTest() {
    spec_.mutable_data()->set_format(v1::DataSpec::IMAGE_FOLDER);
    spec_.mutable_data()->set_root(folder_.path());
    spec_.mutable_model()->set_num_classes(3);
    for (const char* path :
         {"train/dog/2.jpg", "train/dog/10.png", "train/cat/b.JPEG", "train/cat/a/z.jpg", "train/cat/a-b/c.jpg", "train/cat/a/x/q.jpg",
          "train/Zebra/1.jpg", "train/cat/notes.txt", "train/stray.jpg", "val/dog/1.jpg", "val/Zebra/1.jpg"}) {
      Add(path);
    }
  }
  void Add(const std::string& path) {
    fs::create_directories(fs::path(folder_ / path).parent_path());
    WriteFile(folder_ / path, "picture");
  }
  std::vector<std::string> Paths(Split split) {
    const auto index = OpenIndex(spec_, split);
    EXPECT_TRUE(index.ok()) << index.status();
    std::vector<std::string> paths;
    for (int64_t i = 0; index.ok() && i < (*index)->size(); ++i) paths.push_back(absl::StrCat((*index)->label(i), " ", (*index)->path(i)));
    return paths;
  }

  const TempFolder folder_;
  v1::JobSpec spec_;
};

TEST_F(ImageFolderIndexTest, HasTorchvisionsOrder) {
  EXPECT_THAT(Paths(Split::kTrain), ElementsAre("0 train/Zebra/1.jpg", "1 train/cat/b.JPEG", "1 train/cat/a/z.jpg", "1 train/cat/a-b/c.jpg",
                                                "1 train/cat/a/x/q.jpg", "2 train/dog/10.png", "2 train/dog/2.jpg"));
  EXPECT_THAT((*OpenIndex(spec_, Split::kTrain))->classes(), ElementsAre("Zebra", "cat", "dog"));
}

TEST_F(ImageFolderIndexTest, TakesEveryEndingThatTorchvisionTakes) {
  for (const char* ending :
       {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".TIF", ".gif", ".jp2", ".txt", "webp"}) {
    Add(absl::StrCat("val/cat/x", ending));
  }
  EXPECT_THAT(Paths(Split::kValidation), ElementsAre("0 val/Zebra/1.jpg", "1 val/cat/x.TIF", "1 val/cat/x.bmp", "1 val/cat/x.jpeg",
                                                     "1 val/cat/x.jpg", "1 val/cat/x.pgm", "1 val/cat/x.png", "1 val/cat/x.ppm",
                                                     "1 val/cat/x.tif", "1 val/cat/x.tiff", "1 val/cat/x.webp", "2 val/dog/1.jpg"));
}

TEST_F(ImageFolderIndexTest, LabelsValidationByTheTrainingClasses) {
  EXPECT_THAT(Paths(Split::kValidation), ElementsAre("0 val/Zebra/1.jpg", "2 val/dog/1.jpg"));
  Add("val/fish/1.jpg");
  EXPECT_THAT(std::string(OpenIndex(spec_, Split::kValidation).status().message()), HasSubstr("train has no such class"));
}

TEST_F(ImageFolderIndexTest, OpensValidationAlone) {
  fs::remove_all(folder_ / "train");
  EXPECT_THAT(Paths(Split::kValidation), ElementsAre("0 val/Zebra/1.jpg", "1 val/dog/1.jpg"));
}

TEST_F(ImageFolderIndexTest, KeepsTheFirstImages) {
  spec_.mutable_data()->set_max_images(2);
  EXPECT_THAT(Paths(Split::kTrain), ElementsAre("0 train/Zebra/1.jpg", "1 train/cat/b.JPEG"));
  EXPECT_EQ(Paths(Split::kValidation).size(), 2u);
}

TEST_F(ImageFolderIndexTest, FingerprintsShowNamesAndSizes) {
  const auto fingerprint = [&] { return (*OpenIndex(spec_, Split::kTrain))->fingerprint(); };
  const uint64_t before = fingerprint();
  WriteFile(folder_ / "train/dog/2.jpg", "another size");
  EXPECT_NE(fingerprint(), before);
  WriteFile(folder_ / "train/dog/2.jpg", "picture");
  EXPECT_EQ(fingerprint(), before);
  fs::rename(folder_ / "train/dog/2.jpg", folder_ / "train/dog/3.jpg");
  EXPECT_NE(fingerprint(), before);
}

TEST_F(ImageFolderIndexTest, AKeptListIsEqualAndEndsWithAnyNewImage) {
  const TempFolder kept;
  const auto age = [&] {  // what has changed by now settles; the rest keeps its time
    const auto now = fs::file_time_type::clock::now();
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (entry.last_write_time() > now - std::chrono::seconds(30)) fs::last_write_time(entry.path(), now - std::chrono::minutes(1));
    }
  };
  const auto images = [&](Split split) {
    const auto index = *OpenIndex(spec_, split, kept.path());
    std::vector<std::string> found;
    for (int64_t i = 0; i < index->size(); ++i) found.push_back(absl::StrCat(index->label(i), " ", index->path(i), " ", index->bytes(i)));
    found.push_back(absl::StrCat(index->fingerprint()));
    return found;
  };
  age();
  const auto train = images(Split::kTrain), validation = images(Split::kValidation);
  EXPECT_EQ(std::distance(fs::directory_iterator(kept.path()), fs::directory_iterator()), 4) << "two lists and their locks";
  EXPECT_EQ(images(Split::kTrain), train);
  EXPECT_EQ(images(Split::kValidation), validation);
  EXPECT_EQ(train.back(), absl::StrCat((*OpenIndex(spec_, Split::kTrain))->fingerprint()));
  spec_.mutable_model()->set_num_classes(4);
  for (const char* path : {"train/cat/a/x/r.jpg", "train/ant/1.jpg", "train/cat/b/c/1.jpg"}) {
    const auto before = images(Split::kTrain);
    Add(path);
    EXPECT_NE(images(Split::kTrain), before) << path;
    age();
  }
  EXPECT_EQ(images(Split::kValidation)[0], "0 val/Zebra/1.jpg 7");
  EXPECT_EQ(images(Split::kValidation)[1], "3 val/dog/1.jpg 7") << "ant is a class before dog";
}

TEST_F(ImageFolderIndexTest, AKeptValidationListEndsWhenTrainingClassesCome) {
  const TempFolder kept, aside;
  fs::rename(folder_ / "train", aside / "train");
  const auto minutes_ago = fs::file_time_type::clock::now() - std::chrono::minutes(1);
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) fs::last_write_time(entry.path(), minutes_ago);
  const auto classes = [&] { return (*OpenIndex(spec_, Split::kValidation, kept.path()))->classes(); };
  EXPECT_THAT(classes(), ElementsAre("Zebra", "dog"));
  EXPECT_FALSE(fs::is_empty(kept.path())) << "the list is kept";
  fs::rename(aside / "train", folder_ / "train");
  EXPECT_THAT(classes(), ElementsAre("Zebra", "cat", "dog"));
}

TEST_F(ImageFolderIndexTest, NamesAMissingFolder) {
  fs::remove_all(folder_ / "val");
  const Status status = OpenIndex(spec_, Split::kValidation).status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kMissingInput);
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_ / "val"));
  EXPECT_THAT(HintOf(status), HasSubstr("val/CLASS/IMAGE.jpg"));
}

TEST_F(ImageFolderIndexTest, NamesAnEmptyClassAndAnEmptySplit) {
  fs::create_directories(folder_ / "train/empty");
  spec_.mutable_model()->set_num_classes(4);
  Status status = OpenIndex(spec_, Split::kTrain).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("train/empty: no image in this class"));
  fs::remove_all(folder_ / "train");
  fs::create_directories(folder_ / "train");
  status = OpenIndex(spec_, Split::kTrain).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no class folder"));
}

TEST_F(ImageFolderIndexTest, RefusesMoreClassesThanTheModelHas) {
  spec_.mutable_model()->set_num_classes(2);
  const Status status = OpenIndex(spec_, Split::kTrain).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(HintOf(status), HasSubstr("model.num_classes=3"));
}

TEST_F(ImageFolderIndexTest, EndsAtALinkToAFolderAbove) {
  fs::create_directory_symlink(folder_ / "train/cat", folder_ / "train/cat/a/loop");
  EXPECT_THAT(std::string(OpenIndex(spec_, Split::kTrain).status().message()), HasSubstr("a link to a folder above itself"));
}

TEST_F(ImageFolderIndexTest, FollowsLinks) {
  fs::remove_all(folder_ / "train/cat");
  fs::create_directory_symlink(folder_ / "train/dog", folder_ / "train/cat");
  fs::create_symlink("2.jpg", folder_ / "train/dog/0.jpg");
  EXPECT_THAT(Paths(Split::kTrain), ElementsAre("0 train/Zebra/1.jpg", "1 train/cat/0.jpg", "1 train/cat/10.png", "1 train/cat/2.jpg",
                                                "2 train/dog/0.jpg", "2 train/dog/10.png", "2 train/dog/2.jpg"));
}

TEST_F(ImageFolderIndexTest, LinksThatPointNowhereAreCountedAndRefusedOrLeftOut) {
  const std::vector<std::string> whole = Paths(Split::kTrain);
  const TempFolder kept;
  const auto expect_refused = [&](Split split, const std::string& message) {
    const Status status = OpenIndex(spec_, split, kept.path()).status();
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kMissingInput);
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
    EXPECT_THAT(HintOf(status), HasSubstr("data.on_missing=SKIP"));
  };
  fs::create_symlink("/nowhere/0.jpg", folder_ / "train/dog/0.jpg");
  fs::create_symlink("/nowhere", folder_ / "train/cat/a/disk2");
  expect_refused(Split::kTrain, absl::StrCat("data.root: 2 entries of train that cannot be looked at, such as ",
                                             folder_ / "train/cat/a/disk2 -> /nowhere: No such file or directory"));
  EXPECT_EQ(Paths(Split::kValidation).size(), 2u) << "its own part is whole";
  fs::create_symlink("/nowhere", folder_ / "train/Ant");
  expect_refused(Split::kValidation, "data.root: 1 entry of train that cannot be looked at, such as " + folder_ / "train/Ant -> /nowhere");
  spec_.mutable_data()->set_on_missing(v1::DataSpec::SKIP);
  EXPECT_EQ(Paths(Split::kTrain), whole);
  EXPECT_EQ(Paths(Split::kValidation).size(), 2u);
  EXPECT_TRUE(OpenIndex(spec_, Split::kTrain, kept.path()).ok() && OpenIndex(spec_, Split::kValidation, kept.path()).ok());
  for (const auto& file : fs::directory_iterator(kept.path())) EXPECT_EQ(file.path().extension(), ".lock") << "a part is never kept";
}

TEST_F(ImageFolderIndexTest, AClassOfWhichNothingIsLeftIsNamed) {
  fs::remove_all(folder_ / "train/dog");
  fs::create_directories(folder_ / "train/dog");
  fs::create_symlink("/nowhere/0.jpg", folder_ / "train/dog/0.jpg");
  EXPECT_THAT(std::string(OpenIndex(spec_, Split::kTrain).status().message()), HasSubstr("1 entry of train"));
  spec_.mutable_data()->set_on_missing(v1::DataSpec::SKIP);
  EXPECT_THAT(std::string(OpenIndex(spec_, Split::kTrain).status().message()),
              HasSubstr("train/dog: no image in this class but the 1 that data.on_missing skips"));
}

TEST_F(ImageFolderIndexTest, FoldersThatCannotBeEnteredAreMissingToo) {
  fs::permissions(folder_.path(), static_cast<fs::perms>(0755));
  fs::permissions(folder_ / "train/cat/a", fs::perms::none);
  const uid_t user = ::geteuid();
  ASSERT_EQ(::seteuid(user == 0 ? 65534 : user), 0) << "root may enter every folder";
  EXPECT_THAT(std::string(OpenIndex(spec_, Split::kTrain).status().message()), HasSubstr("1 entry of train that cannot be looked at"));
  spec_.mutable_data()->set_on_missing(v1::DataSpec::SKIP);
  EXPECT_THAT(Paths(Split::kTrain),
              ElementsAre("0 train/Zebra/1.jpg", "1 train/cat/b.JPEG", "1 train/cat/a-b/c.jpg", "2 train/dog/10.png", "2 train/dog/2.jpg"));
  ASSERT_EQ(::seteuid(user), 0);
  fs::permissions(folder_ / "train/cat/a", fs::perms::owner_all);
}

TEST_F(ImageFolderIndexTest, BothPartsHaveTheSameClasses) {
  const auto train = *OpenIndex(spec_, Split::kTrain);
  EXPECT_TRUE(CheckSameClasses(*train, **OpenIndex(spec_, Split::kValidation)).ok());
  Add("train/ant/1.jpg");
  spec_.mutable_model()->set_num_classes(4);
  const Status status = CheckSameClasses(*train, **OpenIndex(spec_, Split::kValidation));
  EXPECT_EQ(status.message(), "data.root: class 1 is 'cat' in train and 'ant' in val");
}

}  // namespace
}  // namespace deit::dataset
