#include "common/torch_save/torch_save_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/checkpoint/weights_content.h"
#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::torch_save {
namespace {

using checkpoint::Dtype;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// Written by tests/parity/torch_save_files.py.
std::string Golden(const std::string& name) { return std::string(DEIT_GOLDEN_DIR "/") + name; }

StatusOr<TorchSaveFile> OpenGolden(const std::string& name) { return TorchSaveFile::Open(files::FileSystem::Posix(), Golden(name)); }

template <typename T>
double NumberAt(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return static_cast<double>(value);
}

// Of small positive integers and zero in half precision.
double HalfAt(const char* bytes) {
  uint16_t bits = 0;
  std::memcpy(&bits, bytes, sizeof bits);
  return bits == 0 ? 0 : static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits << 13) + (uint32_t{112} << 23)));
}

double BrainAt(const char* bytes) {
  uint16_t bits = 0;
  std::memcpy(&bits, bytes, sizeof bits);
  return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits) << 16));
}

double ElementAt(Dtype dtype, const char* bytes) {
  switch (dtype) {
    case Dtype::kF64: return NumberAt<double>(bytes);
    case Dtype::kF32: return NumberAt<float>(bytes);
    case Dtype::kF16: return HalfAt(bytes);
    case Dtype::kBF16: return BrainAt(bytes);
    case Dtype::kI64: return NumberAt<int64_t>(bytes);
    case Dtype::kI32: return NumberAt<int32_t>(bytes);
    case Dtype::kI16: return NumberAt<int16_t>(bytes);
    case Dtype::kU16: return NumberAt<uint16_t>(bytes);
    case Dtype::kI8: return NumberAt<int8_t>(bytes);
    default: return NumberAt<uint8_t>(bytes);
  }
}

// As tensors.txt describes a tensor.
std::string Described(const TorchSaveFile& file, const SavedTensor& tensor) {
  std::vector<char> bytes(tensor.info.bytes);
  const Status read = file.Read(tensor, bytes.data());
  EXPECT_TRUE(read.ok()) << read;
  const size_t width = checkpoint::ElementBytes(tensor.info.dtype);
  std::vector<std::string> values;
  for (size_t at = 0; at < bytes.size(); at += width) {
    std::string value = absl::StrCat(ElementAt(tensor.info.dtype, &bytes[at]));
    values.push_back(absl::StrContains(value, ".") ? value : value + ".0");
  }
  return absl::StrCat("  ", tensor.info.name, " ", checkpoint::Name(tensor.info.dtype), " ", checkpoint::ShapeText(tensor.info.shape), ":",
                      values.empty() ? "" : " ", absl::StrJoin(values, " "));
}

// The lines below each file's name in tensors.txt.
std::map<std::string, std::vector<std::string>> GoldenListings() {
  std::map<std::string, std::vector<std::string>> expected;
  std::string file;
  for (const absl::string_view line : absl::StrSplit(testing::ReadFile(Golden("tensors.txt")), '\n', absl::SkipEmpty())) {
    if (absl::StartsWith(line, "  ")) expected[file].push_back(std::string(line));
    else expected[file = std::string(line)];
  }
  return expected;
}

TEST(TorchSaveFileTest, ReadsTensorForTensorWhatTorchSaved) {
  size_t read = 0;
  for (const auto& [name, lines] : GoldenListings()) {
    if (lines.empty()) continue;
    const StatusOr<TorchSaveFile> file = OpenGolden(name);
    ASSERT_TRUE(file.ok()) << file.status();
    std::vector<std::string> found;
    for (const SavedTensor& tensor : file->tensors()) found.push_back(Described(*file, tensor));
    EXPECT_EQ(found, lines) << name;
    ++read;
  }
  EXPECT_EQ(read, 10U);
}

TEST(TorchSaveFileTest, SaysWhichDictionaryItTook) {
  const std::pair<const char*, const char*> notes[] = {{"plain.pth", ""},
                                                       {"nested.pth", "the weights under \"model\""},
                                                       {"deit.pth", "the weights under \"model\", not under \"model_ema\""},
                                                       {"timm.pth.tar", "the weights under \"state_dict\", not under \"state_dict_ema\""},
                                                       {"ema.pth", "the weights under \"state_dict_ema\""}};
  for (const auto& [name, note] : notes) EXPECT_EQ(OpenGolden(name)->note(), note) << name;
}

TEST(TorchSaveFileTest, WhatItCannotReadIsSaidWithTheConversion) {
  const std::pair<const char*, const char*> causes[] = {
      {"students.pth", "with several state dictionaries: \"student\", \"teacher\""},
      {"numbers.pth", "without a dictionary of nothing but tensors; it holds epoch (int), model (a dictionary)"},
      {"model.pth", "which holds an object of torch.nn.modules.linear.Linear, no state dictionary"},
      {"before_1_6_model.pth", "which holds an object, no state dictionary"},
      {"complex.pth", "with tensor 'a': type ComplexFloatStorage"},
      {"sparse.pth", "with tensor 'a': torch._utils._rebuild_sparse_tensor"},
      {"float8.pth", "with tensor 'a': type float8_e4m3fn"},
      {"script.pt", "which holds a TorchScript module, no state dictionary"},
      {"compressed.pth", "whose member 'plain/data.pkl' is compressed"}};
  for (const auto& [name, cause] : causes) {
    const Status status = OpenGolden(name).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << name;
    EXPECT_EQ(std::string(status.message()), absl::StrCat(Golden(name), ": a file of torch.save ", cause));
    EXPECT_THAT(HintOf(status), HasSubstr("torch.load"));
  }
}

TEST(TorchSaveFileTest, ATensorBeyondItsStorageIsNamed) {
  const testing::TempFolder folder;
  const std::string whole = testing::ReadFile(Golden("plain.pth"));
  struct Lie {
    std::string from, to;
    const char* cause;
  };
  const std::string nul(1, '\0');
  const Lie lies[] = {
      {"QK" + nul, "QK\x01", "tensor 'a': beyond its storage of 4 elements"},
      {"QK" + nul, "QK\xff", "tensor 'a': beyond its storage of 4 elements"},
      {"K\x01K\x02\x86", "K\x01K\x03\x86", "tensor 'a': beyond its storage of 4 elements"},
      {"K\x03\x85", "K\x04\x85", "tensor 'b': beyond its storage of 3 elements"},
      {"K\x02K\x02\x86", "K\xffK\xff\x86", "tensor 'a': more elements than the file has bytes"},
      {"K\x02K\x02\x86", "K\x02N" + nul + "\x86", "pickle: "},
      {"plain/data/1", "plain/data/7", "tensor 'b': storage '1' is not in the file"},
  };
  for (const Lie& lie : lies) {
    std::string changed = whole;
    for (size_t at = changed.find(lie.from); at != std::string::npos; at = changed.find(lie.from, at + 1)) {
      changed.replace(at, lie.from.size(), lie.to);
    }
    ASSERT_NE(changed, whole) << lie.cause;
    testing::WriteFile(folder / "w.pth", changed);
    const Status status = TorchSaveFile::Open(files::FileSystem::Posix(), folder / "w.pth").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << lie.cause;
    EXPECT_THAT(std::string(status.message()), HasSubstr(lie.cause));
  }
}

// Cut off anywhere, or with a byte changed anywhere: an error or tensors, and none of them beyond the file.
TEST(TorchSaveFileTest, ADamagedFileIsAnErrorOrReadWithinItsBounds) {
  const testing::TempFolder folder;
  const auto read = [&](const std::string& content) {
    testing::WriteFile(folder / "w.pth", content);
    const StatusOr<TorchSaveFile> file = TorchSaveFile::Open(files::FileSystem::Posix(), folder / "w.pth");
    if (!file.ok()) return file.status();
    for (const SavedTensor& tensor : file->tensors()) {
      std::vector<char> bytes(tensor.info.bytes);
      const Status status = file->Read(tensor, bytes.data());
      EXPECT_TRUE(status.ok()) << status;
    }
    return absl::OkStatus();
  };
  for (const char* name : {"plain.pth", "before_1_6_every.pth"}) {
    const std::string whole = testing::ReadFile(Golden(name));
    ASSERT_TRUE(read(whole).ok());
    for (size_t size = 4; size < whole.size(); size += 29) {
      EXPECT_THAT(read(whole.substr(0, size)).code(), AnyOf(absl::StatusCode::kDataLoss)) << name << " " << size;
    }
    for (size_t at = 4; at < whole.size(); at += 13) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
      EXPECT_THAT(read(damaged).code(), AnyOf(absl::StatusCode::kOk, absl::StatusCode::kDataLoss)) << name << " " << at;
    }
  }
}

TEST(TorchSaveFileTest, WhatCannotBeOpenedKeepsItsCode) { EXPECT_TRUE(absl::IsNotFound(OpenGolden("missing.pth").status())); }

}  // namespace
}  // namespace deit::torch_save
