#include "common/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "absl/strings/str_cat.h"
#include "common/base/digest.h"
#include "common/files/operations.h"
#include "tests/support/crash_file_system.h"

namespace deit::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SafetensorsTest : public ::testing::Test {
 protected:
  // A file with the given header text and as many zero bytes of data.
  Status OpenRaw(const std::string& header, size_t data_bytes, uint64_t stated_length) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &stated_length, 8);
    bytes += header + std::string(data_bytes, '\0');
    Status written = files::WriteFileAtomically(fs_, "/raw", bytes);
    return written.ok() ? SafetensorsFile::Open(fs_, "/raw").status() : written;
  }
  Status OpenRaw(const std::string& header, size_t data_bytes) { return OpenRaw(header, data_bytes, header.size()); }

  void ExpectRefused(const std::string& header, size_t data_bytes, const std::string& message) {
    const Status status = OpenRaw(header, data_bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << header << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message)) << header;
    EXPECT_THAT(std::string(status.message()), HasSubstr("/raw: header: ")) << header;
  }

  testing::CrashDisk disk_;
  testing::CrashFileSystem fs_{&disk_};
};

std::string Entry(const std::string& name, const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return absl::StrCat("\"", name, "\":{\"dtype\":\"", dtype, "\",\"shape\":", shape, ",\"data_offsets\":", offsets, "}");
}

TEST_F(SafetensorsTest, ReadsBackWhatItWroteAlignedAndWithItsDigest) {
  const float weights[6] = {1, 2, 3, 4, 5, 6};
  const int64_t count = 77;
  const uint16_t half = 0x3C00;
  const std::vector<TensorData> tensors = {{"h", Dtype::kBF16, {1}, &half, 2},
                                           {"w\"\\\n\u00e9", Dtype::kF32, {2, 3}, weights, 24},
                                           {"n", Dtype::kI64, {}, &count, 8},
                                           {"none", Dtype::kF32, {0, 5}, nullptr, 0}};
  auto written = WriteSafetensors(fs_, "/f", tensors, {{"format", "pt"}, {"step", "12"}});
  ASSERT_TRUE(written.ok()) << written.status();
  const std::string bytes = disk_.Snapshot().at("/f");
  EXPECT_EQ(written->bytes, bytes.size());
  EXPECT_EQ(written->digest, Digest64(bytes.data(), bytes.size()));
  auto file = SafetensorsFile::Open(fs_, "/f");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->metadata().at("step"), "12");
  ASSERT_EQ(file->tensors().size(), 4u);
  EXPECT_EQ(file->tensors()[0].offset % kDataAlignment, 0u);
  for (const TensorInfo& tensor : file->tensors()) EXPECT_EQ(tensor.offset % ElementBytes(tensor.dtype), 0u) << tensor.name;
  float read[6];
  ASSERT_TRUE(file->Read(tensors[1].name, read, 24).ok());
  EXPECT_THAT(read, ::testing::ElementsAreArray(weights));
  EXPECT_THAT(file->Find(tensors[1].name)->shape, ElementsAre(2, 3));
  ASSERT_TRUE(file->ReadRange(*file->Find(tensors[1].name), 8, 8, read).ok());
  EXPECT_EQ(read[0], 3);
  int64_t n = 0;
  ASSERT_TRUE(file->Read("n", &n, 8).ok());
  EXPECT_EQ(n, 77);
}

TEST_F(SafetensorsTest, AFileOfTorchSaveIsNamedWithItsConversion) {
  for (const std::string& start : {std::string("PK\3\4\0\0\x8\x8", 8), std::string("\x80\2\x8a\nl\xfc\x9c\x46", 8)}) {
    ASSERT_TRUE(files::WriteFileAtomically(fs_, "/raw", start + "archive/data.pkl").ok());
    const Status status = SafetensorsFile::Open(fs_, "/raw").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(status.message(), "/raw: a file of torch.save among safetensors files");
    EXPECT_THAT(HintOf(status), HasSubstr("torch.load"));
    EXPECT_THAT(HintOf(status), HasSubstr("'/raw' '/raw'.safetensors"));
  }
}

TEST_F(SafetensorsTest, AWrongSizeNameOrRangeIsRefusedWithTheValues) {
  const float x = 1;
  ASSERT_TRUE(WriteSafetensors(fs_, "/f", {{"x", Dtype::kF32, {1}, &x, 4}}, {}).ok());
  auto file = SafetensorsFile::Open(fs_, "/f");
  float y[2];
  EXPECT_EQ(file->Read("x", y, 8).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(file->Read("y", y, 4).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(file->ReadRange(*file->Find("x"), 1, 4, y).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(file->ReadRange(*file->Find("x"), UINT64_MAX, 4, y).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SafetensorsTest, TheWriterRefusesWhatNoReaderCouldRead) {
  const float x[2] = {1, 2};
  EXPECT_FALSE(WriteSafetensors(fs_, "/f", {{"x", Dtype::kF32, {3}, x, 8}}, {}).ok());
  EXPECT_FALSE(WriteSafetensors(fs_, "/f", {{"x", Dtype::kF32, {1}, x, 4}, {"x", Dtype::kF32, {1}, x, 4}}, {}).ok());
  EXPECT_FALSE(WriteSafetensors(fs_, "/f", {{"\xff", Dtype::kF32, {1}, x, 4}}, {}).ok());
  EXPECT_FALSE(WriteSafetensors(fs_, "/f", {{"__metadata__", Dtype::kF32, {1}, x, 4}}, {}).ok());
  EXPECT_FALSE(WriteSafetensors(fs_, "/f", {{"x", Dtype::kF32, {1ull << 62, 1ull << 62}, x, 8}}, {}).ok());
}

TEST_F(SafetensorsTest, LyingHeadersAreNamed) {
  const std::string good = Entry("a", "F32", "[2]", "[0,8]");
  EXPECT_TRUE(OpenRaw(absl::StrCat("{", good, "}"), 8).ok()) << OpenRaw(absl::StrCat("{", good, "}"), 8);
  EXPECT_TRUE(OpenRaw("{}", 0).ok());
  ExpectRefused(absl::StrCat("{", good, "}"), 7, "tensor 'a': data_offsets [0,8]: not a range of the file's 7 data bytes");
  ExpectRefused(absl::StrCat("{", good, "}"), 9, "1 bytes at the end belong to no tensor");
  ExpectRefused(absl::StrCat("{", Entry("a", "F32", "[3]", "[0,8]"), "}"), 8, "8 bytes, but F32 shape [3] has 12");
  ExpectRefused(absl::StrCat("{", Entry("a", "F31", "[2]", "[0,8]"), "}"), 8, "dtype 'F31'");
  ExpectRefused(absl::StrCat("{", Entry("a", "F32", "[2]", "[8,0]"), "}"), 8, "not a range");
  ExpectRefused(absl::StrCat("{", Entry("a", "F32", "[2]", "[0,4,8]"), "}"), 8, "not a range");
  ExpectRefused(absl::StrCat("{", Entry("a", "F32", "[4294967296,4294967296]", "[0,8]"), "}"), 8, "beyond 64 bits");
  ExpectRefused(absl::StrCat("{", Entry("a", "F32", "[9223372036854775807]", "[0,8]"), "}"), 8, "beyond 64 bits");
  ExpectRefused(absl::StrCat("{", Entry("a", "F32", "[99999999999999999999]", "[0,8]"), "}"), 8, "beyond 64 bits");
  ExpectRefused(absl::StrCat("{", Entry("a", "F32", "[-2]", "[0,8]"), "}"), 8, "tensor 'a': byte");
  ExpectRefused(absl::StrCat("{", Entry("a", "F32", "[2.0]", "[0,8]"), "}"), 8, "whole number");
  ExpectRefused(absl::StrCat("{", Entry("a", "F32", "[02]", "[0,8]"), "}"), 8, "leading zero");
  ExpectRefused(absl::StrCat("{", Entry("a", "F32", "[[2]]", "[0,8]"), "}"), 8, "whole number");
  ExpectRefused(absl::StrCat("{", good, ",", Entry("b", "F32", "[1]", "[4,8]"), "}"), 8, "overlaps");
  ExpectRefused(absl::StrCat("{", good, ",", Entry("b", "F32", "[1]", "[12,16]"), "}"), 16, "leaves a hole after 8");
  ExpectRefused(absl::StrCat("{", good, ",", good, "}"), 8, "overlaps");
  ExpectRefused(absl::StrCat("{", Entry("a", "F32", "[0]", "[0,0]"), ",", Entry("a", "F32", "[0]", "[0,0]"), "}"), 0, "duplicate");
  ExpectRefused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "missing");
  ExpectRefused("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 8, "duplicate field 'dtype'");
  ExpectRefused("{\"a\":{\"colour\":\"F32\"}}", 8, "unknown field 'colour'");
  ExpectRefused("{\"a\":[]}", 8, "expected '{'");
  ExpectRefused("{\"__metadata__\":{\"a\":1}}", 0, "__metadata__: byte");
  ExpectRefused("{\"__metadata__\":{\"a\":\"1\",\"a\":\"1\"}}", 0, "duplicate");
  ExpectRefused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicate");
  ExpectRefused("{} x", 0, "expected the end");
  ExpectRefused(" {}", 0, "byte 0: expected '{'");
  ExpectRefused("", 0, "byte 0: expected '{'");
  ExpectRefused(absl::StrCat("{", good, ",}"), 8, "expected '\"'");
}

TEST_F(SafetensorsTest, NamesMustBeTextWithProperEscapes) {
  EXPECT_TRUE(OpenRaw(absl::StrCat("{", Entry("\\u00e9\\ud83d\\ude00\\n", "U8", "[1]", "[0,1]"), "}"), 1).ok());
  EXPECT_NE(SafetensorsFile::Open(fs_, "/raw")->Find("\u00e9\U0001F600\n"), nullptr);
  for (const char* name :
       {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\\ud83d", "\\ude00", "\\ud83dx", "\\x", "\\u12", "a\nb"}) {
    ExpectRefused(absl::StrCat("{", Entry(name, "U8", "[1]", "[0,1]"), "}"), 1, "byte");
  }
}

TEST_F(SafetensorsTest, AHeaderLongerThanTheFileIsRefusedWithoutTakingItsMemory) {
  for (uint64_t length : {uint64_t{3}, uint64_t{100'000'001}, UINT64_MAX, UINT64_MAX - 7, uint64_t{1} << 63}) {
    const Status status = OpenRaw("{}", 0, length);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << length;
    EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat(length))) << status;
  }
}

TEST_F(SafetensorsTest, DeepNestingIsRefusedWithoutRecursion) {
  ExpectRefused(absl::StrCat("{\"a\":", std::string(1'000'000, '[')), 0, "tensor 'a'");
  ExpectRefused(absl::StrCat("{\"a\":{\"shape\":", std::string(1'000'000, '[')), 0, "tensor 'a'");
  ExpectRefused(absl::StrCat("{\"__metadata__\":", std::string(1'000'000, '{')), 0, "__metadata__");
}

TEST_F(SafetensorsTest, EveryTruncationAndManyRandomDamagesEndInAnErrorOrAConsistentFile) {
  const float x[8] = {};
  ASSERT_TRUE(WriteSafetensors(fs_, "/f", {{"a", Dtype::kF32, {2, 2}, x, 16}, {"b", Dtype::kF32, {4}, x, 16}}, {{"k", "v"}}).ok());
  const std::string bytes = disk_.Snapshot().at("/f");
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_TRUE(disk_.Overwrite("/f", [&](std::string* content) { *content = bytes.substr(0, size); }).ok());
    EXPECT_EQ(SafetensorsFile::Open(fs_, "/f").status().code(), absl::StatusCode::kDataLoss) << size;
  }
  std::mt19937_64 random(7);
  for (int trial = 0; trial < 20'000; ++trial) {
    std::string damaged = bytes;
    for (uint64_t n = 1 + random() % 3; n > 0; --n) damaged[random() % 150] = static_cast<char>(random());
    ASSERT_TRUE(disk_.Overwrite("/f", [&](std::string* content) { *content = damaged; }).ok());
    auto file = SafetensorsFile::Open(fs_, "/f");
    if (!file.ok()) continue;
    for (const TensorInfo& tensor : file->tensors()) {
      std::vector<char> data(tensor.bytes);
      EXPECT_TRUE(file->Read(tensor.name, data.data(), data.size()).ok());
    }
  }
}

TEST_F(SafetensorsTest, AMissingFileIsNotFound) {
  EXPECT_EQ(SafetensorsFile::Open(fs_, "/no").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace deit::checkpoint
