#include "common/checkpoint/tensor_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/common/checkpoint/sample_checkpoint.h"
#include "tests/support/crash_file_system.h"
#include "tests/support/temp_folder.h"

namespace deit::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TensorCatalogTest : public ::testing::Test {
 protected:
  // A set of two fragment files with the given (offset, elements) each.
  StatusOr<TensorCatalog> OpenFragments(uint64_t offset0, uint64_t elements0, uint64_t offset1, uint64_t elements1) {
    std::vector<float> values(100);
    for (size_t i = 0; i < 100; ++i) values[i] = static_cast<float>(i);
    v1::CheckpointManifest manifest;
    const uint64_t offsets[] = {offset0, offset1}, elements[] = {elements0, elements1};
    for (size_t i = 0; i < 2; ++i) {
      const std::string name = TensorFileName(TensorKind::kEma, static_cast<int>(i));
      DEIT_RETURN_IF_ERROR(
          WriteSafetensors(fs_, "/" + name,
                           {{FragmentName("t", offsets[i]), Dtype::kF32, {elements[i]}, values.data() + offsets[i], 4 * elements[i]}}, {})
              .status());
      manifest.add_files()->set_name(name);
    }
    return TensorCatalog::Open(fs_, "/", manifest);
  }

  testing::CrashDisk disk_;
  testing::CrashFileSystem fs_{&disk_};
};

TEST_F(TensorCatalogTest, EveryRangeIsAssembledFromWhateverPieces) {
  ASSERT_TRUE(SaveSample(fs_, 7, 20, "n").ok());
  const std::string folder = "/run/checkpoints/step_00000020";
  auto catalog = TensorCatalog::Open(fs_, folder, *ReadManifest(fs_, folder));
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  const uint64_t elements = SampleTensors()[1].elements();
  for (TensorKind kind : kAllKinds) {
    for (uint64_t begin = 0; begin <= elements; begin += 5) {
      for (uint64_t count = 0; begin + count <= elements; count += 7) {
        std::vector<float> values(count, -1);
        ASSERT_TRUE(catalog->ReadRange(kind, SampleTensors()[1].name, begin, count, values.data()).ok());
        for (uint64_t i = 0; i < count; ++i) ASSERT_EQ(values[i], SampleValue(kind, 1, 20, begin + i));
      }
    }
  }
  const TensorCatalog::Tensor* whole = catalog->Find(TensorKind::kModel, "blocks.0.attn.qkv.weight");
  ASSERT_NE(whole, nullptr);
  EXPECT_TRUE(whole->whole);
  EXPECT_THAT(whole->shape, ElementsAre(24, 8));
  EXPECT_EQ(catalog->tensors(TensorKind::kModel).size(), SampleTensors().size());
}

TEST_F(TensorCatalogTest, FilesOfManyWritersNeedFewDescriptors) {
  constexpr int kWriters = 256;
  const testing::TempFolder folder;
  auto& fs = files::FileSystem::Posix();
  v1::CheckpointManifest manifest;
  for (int writer = 0; writer < kWriters; ++writer) {
    const std::string name = TensorFileName(TensorKind::kEma, writer);
    const float value = static_cast<float>(writer);
    ASSERT_TRUE(
        WriteSafetensors(fs, folder / name, {{FragmentName("t", static_cast<uint64_t>(writer)), Dtype::kF32, {1}, &value, 4}}, {}).ok());
    manifest.add_files()->set_name(name);
  }
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{100, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  const auto catalog = TensorCatalog::Open(fs, folder.path(), manifest);
  std::vector<float> values(kWriters, -1);
  const Status read = catalog.ok() ? catalog->ReadRange(TensorKind::kEma, "t", 0, kWriters, values.data()) : catalog.status();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(read.ok()) << read;
  for (int writer = 0; writer < kWriters; ++writer) EXPECT_EQ(values[static_cast<size_t>(writer)], static_cast<float>(writer));
}

TEST_F(TensorCatalogTest, AGapIsAnErrorThatNamesItsFirstElement) {
  auto catalog = OpenFragments(0, 10, 12, 10);
  ASSERT_TRUE(catalog.ok());
  float values[22];
  EXPECT_TRUE(catalog->ReadRange(TensorKind::kEma, "t", 2, 8, values).ok());
  EXPECT_TRUE(catalog->ReadRange(TensorKind::kEma, "t", 12, 10, values).ok());
  const Status status = catalog->ReadRange(TensorKind::kEma, "t", 2, 20, values);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no file of the checkpoint holds element 10"));
  EXPECT_EQ(catalog->ReadRange(TensorKind::kEma, "t", 20, 3, values).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(catalog->ReadRange(TensorKind::kEma, "t", 1000, 1, values).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(catalog->ReadRange(TensorKind::kEma, "u", 0, 1, values).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(catalog->ReadRange(TensorKind::kModel, "t", 0, 1, values).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(catalog->ReadRange(TensorKind::kEma, "t", Dtype::kI64, 0, 1, values).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TensorCatalogTest, AnElementInTwoFilesIsAnError) {
  const Status status = OpenFragments(0, 10, 9, 5).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("element 9 is also in"));
}

}  // namespace
}  // namespace deit::checkpoint
