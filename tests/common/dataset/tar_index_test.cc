#include <chrono>
#include <filesystem>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/exit_code.h"
#include "common/base/status.h"
#include "common/dataset/index.h"
#include "tests/support/file_content.h"
#include "tests/support/tar_content.h"
#include "tests/support/temp_folder.h"

namespace deit::dataset {
namespace {

using ::deit::testing::TarEnd;
using ::deit::testing::TarMember;
using ::deit::testing::TempFolder;
using ::deit::testing::WriteFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Sample(const std::string& key, const std::string& label, const std::string& ending = ".jpg") {
  return TarMember(key + ".cls", label) + TarMember(key + ".json", "{}") + TarMember(key + ending, "picture of " + key);
}

class TarIndexTest : public ::testing::Test {
 protected:
  TarIndexTest() {
    spec_.mutable_data()->set_format(v1::DataSpec::TAR);
    spec_.mutable_data()->set_root(folder_.path());
    spec_.mutable_model()->set_num_classes(4);
    std::filesystem::create_directories(folder_ / "train");
    std::filesystem::create_directories(folder_ / "val");
    WriteFile(folder_ / "train/1.tar", Sample("b", "2\n") + Sample("./f/a", " 0", ".seg.PNG") + TarEnd());
    WriteFile(folder_ / "train/0.tar", Sample("z", "3") + TarMember(".hidden", "") + TarMember("notes.txt", "no image") + TarEnd());
    WriteFile(folder_ / "train/notes.txt", "");
    WriteFile(folder_ / "val/0.tar", Sample("v", "1") + TarEnd());
  }
  std::vector<std::string> Images(Split split) {
    const auto index = OpenIndex(spec_, split);
    EXPECT_TRUE(index.ok()) << index.status();
    std::vector<std::string> images;
    for (int64_t i = 0; index.ok() && i < (*index)->size(); ++i) {
      const Place place = (*index)->place(i);
      const std::string content = deit::testing::ReadFile(folder_ / place.file);
      images.push_back(absl::StrCat((*index)->label(i), " ", (*index)->path(i), ": ",
                                    content.substr(static_cast<size_t>(place.offset), static_cast<size_t>((*index)->bytes(i)))));
    }
    return images;
  }
  void ExpectRefused(const std::string& shard, const std::string& text) {
    WriteFile(folder_ / "train/1.tar", shard);
    const Status status = OpenIndex(spec_, Split::kTrain).status();
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kCorrupt);
    EXPECT_THAT(std::string(status.message()), HasSubstr(folder_ / "train/1.tar: " + text));
  }

  const TempFolder folder_;
  v1::JobSpec spec_;
};

TEST_F(TarIndexTest, ListsTheSamplesOfTheShardsInOrder) {
  EXPECT_THAT(Images(Split::kTrain), ElementsAre("3 train/0.tar/z.jpg: picture of z", "2 train/1.tar/b.jpg: picture of b",
                                                 "0 train/1.tar/./f/a.seg.PNG: picture of ./f/a"));
  EXPECT_THAT(Images(Split::kValidation), ElementsAre("1 val/0.tar/v.jpg: picture of v"));
  EXPECT_THAT((*OpenIndex(spec_, Split::kTrain))->classes(), ElementsAre("0", "1", "2", "3"));
}

TEST_F(TarIndexTest, ShardsMayStandInTheRootAndClassesMayHaveNames) {
  std::filesystem::rename(folder_ / "train/0.tar", folder_ / "some-train-000.tar");
  std::filesystem::rename(folder_ / "val/0.tar", folder_ / "some-validation-000.tar");
  std::filesystem::remove_all(folder_ / "train");
  std::filesystem::remove_all(folder_ / "val");
  WriteFile(folder_ / "classes.txt", "tench\ngoldfish\n");
  EXPECT_THAT(Images(Split::kTrain), ElementsAre("3 some-train-000.tar/z.jpg: picture of z"));
  EXPECT_THAT(Images(Split::kValidation), ElementsAre("1 some-validation-000.tar/v.jpg: picture of v"));
  EXPECT_THAT((*OpenIndex(spec_, Split::kTrain))->classes(), ElementsAre("tench", "goldfish", "2", "3"));
}

TEST_F(TarIndexTest, AShardOutsideOfTheFoldersIsInOnePart) {
  const std::string train = deit::testing::ReadFile(folder_ / "train/0.tar"), val = deit::testing::ReadFile(folder_ / "val/0.tar");
  std::filesystem::remove_all(folder_ / "train");
  std::filesystem::remove_all(folder_ / "val");
  WriteFile(folder_ / "retrieval-train-0.tar", train);
  WriteFile(folder_ / "retrieval-Validation-0.tar", val);  // contains "val" alone
  WriteFile(folder_ / "strains_val_0.tar", val);
  EXPECT_THAT(Images(Split::kTrain), ElementsAre("3 retrieval-train-0.tar/z.jpg: picture of z"));
  EXPECT_THAT(Images(Split::kValidation),
              ElementsAre("1 retrieval-Validation-0.tar/v.jpg: picture of v", "1 strains_val_0.tar/v.jpg: picture of v"));
  for (const char* name : {"trainval-0.tar", "train-val-0.tar", "retrieval-strains-0.tar"}) {
    WriteFile(folder_ / name, train);
    for (const Split split : {Split::kTrain, Split::kValidation}) {
      const Status status = OpenIndex(spec_, split).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
      EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat(folder_ / name, ": its name says both train and val")));
    }
    std::filesystem::remove(folder_ / name);
  }
}

TEST_F(TarIndexTest, AKeptListEndsWithClassNamesThatComeAndWithOtherKeys) {
  const TempFolder kept;
  const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::minutes(5);
  const auto open = [&] {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) std::filesystem::last_write_time(entry, old);
    return *OpenIndex(spec_, Split::kTrain, kept.path());
  };
  EXPECT_THAT(open()->classes(), ElementsAre("0", "1", "2", "3"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(kept.path()), std::filesystem::directory_iterator()), 2)
      << "a list, its lock";
  WriteFile(folder_ / "classes.txt", "\xef\xbb\xbftench\r\ngoldfish\r\n");
  EXPECT_THAT(open()->classes(), ElementsAre("tench", "goldfish", "2", "3"));
  std::filesystem::remove(folder_ / "classes.txt");
  EXPECT_THAT(open()->classes(), ElementsAre("0", "1", "2", "3"));
  spec_.mutable_data()->set_input_key("seg.png");
  spec_.mutable_model()->set_num_classes(9);
  WriteFile(folder_ / "train/0.tar", TarMember("a.png", "1") + TarMember("a.seg.png", "2") + TarMember("a.cls", "0") + TarEnd());
  std::filesystem::remove(folder_ / "train/1.tar");
  EXPECT_EQ(open()->path(0), "train/0.tar/a.seg.png");
  spec_.mutable_data()->clear_input_key();
  EXPECT_EQ(open()->path(0), "train/0.tar/a.png");
  spec_.mutable_data()->set_input_key("seg.png");
  EXPECT_EQ(open()->path(0), "train/0.tar/a.seg.png");
}

TEST_F(TarIndexTest, WhatCannotBeReadIsNotTakenAsMissing) {
  std::filesystem::create_directories(folder_ / "classes.txt");
  const Status status = OpenIndex(spec_, Split::kTrain).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder_ / "classes.txt"));
  std::filesystem::remove_all(folder_ / "train");
  WriteFile(folder_ / "train", "a file");
  EXPECT_THAT(std::string(OpenIndex(spec_, Split::kTrain).status().message()), HasSubstr(folder_ / "train: "));
}

TEST_F(TarIndexTest, AFileOrAPatternAsTheRootIsExplained) {
  for (const auto& [root, what, hint] :
       {std::tuple{"train/0.tar", ": not a folder", "data.root is the folder of the shards, in train/*.tar"},
        {"train/{0..1}.tar", ": not there", "patterns are not expanded"},
        {"train/0.tar/below", ": not a directory", ""},
        {"none", ": no such file or directory", ""}}) {
    spec_.mutable_data()->set_root(folder_ / root);
    const Status status = OpenIndex(spec_, Split::kTrain).status();
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kMissingInput) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
    EXPECT_THAT(HintOf(status), HasSubstr(hint));
  }
}

TEST_F(TarIndexTest, KeepsTheFirstImages) {
  const uint64_t all = (*OpenIndex(spec_, Split::kTrain))->fingerprint();
  spec_.mutable_data()->set_max_images(2);
  EXPECT_EQ(Images(Split::kTrain).size(), 2u);
  EXPECT_NE((*OpenIndex(spec_, Split::kTrain))->fingerprint(), all);
}

TEST_F(TarIndexTest, WhatIsWrongWithASampleIsNamed) {
  ExpectRefused(TarMember("a.jpg", "x") + Sample("b", "1"), "sample 'a': no label");
  for (const char* label : {"x", "", "-1", "1.5", "99999999999"}) {
    ExpectRefused(Sample("a", label), "sample 'a': its .cls is no number");
  }
  ExpectRefused(std::string("\x1f\x8b") + std::string(600, 'z'), "byte 0: not a tar header");
}

TEST_F(TarIndexTest, LabelsBeyondTheModelAndMissingShardsAreSaid) {
  spec_.mutable_model()->set_num_classes(3);
  Status status = OpenIndex(spec_, Split::kTrain).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("label 3 of train/0.tar/z.jpg"));
  EXPECT_EQ(HintOf(status), "set model.num_classes=4");
  std::filesystem::remove_all(folder_ / "val");
  status = OpenIndex(spec_, Split::kValidation).status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kMissingInput);
  EXPECT_THAT(HintOf(status), HasSubstr("val/*.tar"));
}

}  // namespace
}  // namespace deit::dataset
