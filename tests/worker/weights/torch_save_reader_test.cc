#include "worker/weights/torch_save_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"
#include "worker/weights/weights_file.h"

namespace deit::weights {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Written by tests/parity/torch_save_files.py.
std::string Golden(const std::string& name) { return std::string(DEIT_GOLDEN_DIR "/") + name; }

const std::vector<models::TensorSpec> kTensors = {{.name = "a", .shape = {2, 2}}, {.name = "b", .shape = {3}}};

TEST(TorchSaveTest, APlainDictionaryIsReadAlsoBehindModel) {
  for (const char* name : {"plain.pth", "nested.pth"}) {
    const auto weights = WeightsFile::Open(Golden(name), kTensors);
    ASSERT_TRUE(weights.ok()) << name << ": " << weights.status();
    float a[4], b[3];
    ASSERT_TRUE(weights->Read(0, a).ok() && weights->Read(1, b).ok());
    EXPECT_THAT(a, ElementsAre(1, 2, 3, 4)) << "row-major, though it was saved transposed";
    EXPECT_THAT(b, ElementsAre(5, 6, 7)) << "from bfloat16";
  }
}

TEST(TorchSaveTest, WhatLibTorchCannotReadIsSaidWithTheConversion) {
  for (const char* name : {"of_module.pth", "before_1_6.pth"}) {
    const Status status = ReadTorchSave(Golden(name)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()),
                AnyOf(HasSubstr("not a plain dictionary of tensors"), HasSubstr("which LibTorch cannot read: ")));
    EXPECT_THAT(std::string(HintOf(status)), HasSubstr(Golden(name) + ".safetensors"));
    EXPECT_EQ(WeightsFile::Open(Golden(name), kTensors).status(), status);
  }
}

TEST(TorchSaveTest, AFileCutOffAnywhereIsAnError) {
  const testing::TempFolder folder;
  const std::string whole = testing::ReadFile(Golden("plain.pth"));
  for (size_t size = 4; size < whole.size(); size += 97) {
    testing::WriteFile(folder / "cut.pth", whole.substr(0, size));
    EXPECT_EQ(ReadTorchSave(folder / "cut.pth").status().code(), absl::StatusCode::kDataLoss) << size;
  }
}

}  // namespace
}  // namespace deit::weights
