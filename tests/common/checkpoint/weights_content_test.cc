#include "common/checkpoint/weights_content.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::checkpoint {
namespace {

const float kA[] = {1, 2, 3, 4}, kB[] = {5, 6, 7};

std::string Write(const testing::TempFolder& folder, const std::string& name, const std::vector<TensorData>& tensors) {
  std::string path = folder / name;
  const auto written = WriteSafetensors(files::FileSystem::Posix(), path, tensors, {});
  EXPECT_TRUE(written.ok()) << written.status();
  return path;
}

TEST(WeightsContentTest, HowTensorsAreSpreadOverFilesDoesNotMatter) {
  const testing::TempFolder folder;
  const std::string file = Write(folder, "w.safetensors", {{"a", Dtype::kF32, {2, 2}, kA, 16}, {"b", Dtype::kF32, {3}, kB, 12}});
  Write(folder, "model_00.safetensors", {{"b", Dtype::kF32, {3}, kB, 12}});
  Write(folder, "model_01.safetensors", {{"a", Dtype::kF32, {2, 2}, kA, 16}});
  EXPECT_EQ(*WeightsContentDigest(file), *WeightsContentDigest(folder.path()));
  EXPECT_EQ(OpenWeights(folder.path())->size(), 2u);
}

TEST(WeightsContentTest, TheDigestSeesValuesNamesAndTypes) {
  const testing::TempFolder folder;
  const float other[] = {5, 6, 8};
  const auto digest = [&](const std::vector<TensorData>& tensors) {
    return *WeightsContentDigest(Write(folder, "x.safetensors", tensors));
  };
  const uint64_t base = digest({{"b", Dtype::kF32, {3}, kB, 12}});
  EXPECT_NE(base, digest({{"b", Dtype::kF32, {3}, other, 12}}));
  EXPECT_NE(base, digest({{"c", Dtype::kF32, {3}, kB, 12}}));
  EXPECT_NE(base, digest({{"b", Dtype::kI32, {3}, kB, 12}}));
}

TEST(WeightsContentTest, AFileOfTorchSaveIsDigestedByItsBytes) {
  const testing::TempFolder folder;
  const auto digest = [&](const std::string& bytes) {
    testing::WriteFile(folder / "w.pth", bytes);
    return *WeightsContentDigest(folder / "w.pth");
  };
  const std::string start("PK\3\4", 4), long_enough(3 << 20, 'x');
  EXPECT_NE(digest(start + "a"), digest(start + "b"));
  EXPECT_NE(digest(start + long_enough + "a"), digest(start + long_enough + "b"));
  EXPECT_EQ(digest(start + "a"), digest(start + "a"));
}

TEST(WeightsContentTest, AFolderOfTwoSetsIsRefusedWithBothFiles) {
  const testing::TempFolder folder;
  const std::string one = Write(folder, "model.safetensors", {{"a", Dtype::kF32, {2, 2}, kA, 16}, {"b", Dtype::kF32, {3}, kB, 12}});
  const std::string other = Write(folder, "model_ema.safetensors", {{"b", Dtype::kF32, {3}, kA, 12}});
  for (const Status& status : {OpenWeights(folder.path()).status(), WeightsContentDigest(folder.path()).status()}) {
    EXPECT_TRUE(absl::IsDataLoss(status));
    EXPECT_EQ(std::string(status.message()), absl::StrCat(folder.path(), ": two sets of weights: b is in ", one, " and in ", other));
    EXPECT_EQ(HintOf(status), "name the file that is meant");
  }
}

TEST(WeightsContentTest, AFolderWithFilesOfOtherNamesHasAHint) {
  const testing::TempFolder folder;
  testing::WriteFile(folder / "config.json", "{}");
  EXPECT_EQ(HintOf(OpenWeights(folder.path()).status()), "");
  testing::WriteFile(folder / "pytorch_model.bin", "PK");
  const Status status = OpenWeights(folder.path()).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(HintOf(status), "name the file: " + (folder / "pytorch_model.bin"));
}

TEST(WeightsContentTest, APipeIsRefusedAndNotWaitedFor) {
  const testing::TempFolder folder;
  ASSERT_EQ(::mkfifo((folder / "w.pth").c_str(), 0600), 0);
  const Status status = WeightsContentDigest(folder / "w.pth").status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(std::string(status.message()), (folder / "w.pth") + ": no bytes: empty, or a pipe or device");
}

TEST(WeightsContentTest, ALinkThatPointsNowhereIsAMissingFile) {
  const testing::TempFolder folder;
  std::filesystem::create_symlink("nowhere", folder / "w.safetensors");
  EXPECT_TRUE(absl::IsNotFound(WeightsContentDigest(folder / "w.safetensors").status()));
}

TEST(WeightsContentTest, AFolderWithoutWeightsAndAMissingFileAreSaid) {
  const testing::TempFolder folder;
  EXPECT_TRUE(absl::IsNotFound(OpenWeights(folder.path()).status()));
  EXPECT_TRUE(absl::IsNotFound(WeightsContentDigest(folder / "missing.safetensors").status()));
  EXPECT_TRUE(VerifyIfCheckpoint(folder.path()).ok()) << "a plain folder is no checkpoint";
}

}  // namespace
}  // namespace deit::checkpoint
