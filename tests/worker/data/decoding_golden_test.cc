// Every kind of picture file against Pillow's convert("RGB"): golden/ (tests/parity/decoding.py).
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "common/base/status.h"
#include "tests/support/file_content.h"
#include "worker/data/decode_image.h"

namespace deit::data {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Picture {
  std::string name, crc;
  int width = 0, height = 0;
};

std::vector<Picture> Pictures() {
  std::ifstream file(DEIT_GOLDEN_DIR "/expected.txt");
  std::vector<Picture> pictures;
  for (Picture picture; file >> picture.name >> picture.width >> picture.height >> picture.crc;) pictures.push_back(picture);
  return pictures;
}

std::string Golden(const std::string& name) { return testing::ReadFile(DEIT_GOLDEN_DIR "/" + name); }

// The golden file with `bytes` at `at`.
std::string Changed(const std::string& name, size_t at, absl::string_view bytes) {
  std::string file = Golden(name);
  return file.replace(at, bytes.size(), bytes.data(), bytes.size());
}

std::string Message(const std::string& bytes) {
  Image image;
  return std::string(DecodeImage(bytes, &image).message());
}

// Little endian.
std::string U32(uint32_t value) { return {reinterpret_cast<const char*>(&value), sizeof(value)}; }

TEST(DecodingGoldenTest, EqualsPillowsConvertToRgb) {
  Image image;
  const auto pictures = Pictures();
  for (const Picture& picture : pictures) {
    const Status status = DecodeImage(Golden(picture.name), &image);
    EXPECT_TRUE(status.ok()) << picture.name << ": " << status;
    if (!status.ok()) continue;
    pixels::ConvertChannels(3, &image);
    EXPECT_EQ(image.width, picture.width) << picture.name;
    EXPECT_EQ(image.height, picture.height) << picture.name;
    EXPECT_EQ(crc32(0, image.pixels.data(), static_cast<unsigned>(image.pixels.size())), std::stoul(picture.crc, nullptr, 16))
        << picture.name;
  }
  const std::filesystem::directory_iterator begin(DEIT_GOLDEN_DIR);
  EXPECT_EQ(std::distance(begin, std::filesystem::directory_iterator()), static_cast<ptrdiff_t>(pictures.size()) + 1)
      << "each file and the list";
}

TEST(DecodingGoldenTest, ThreadsDecodeAtOnce) {
  std::vector<Picture> pictures = Pictures();
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&pictures, &wrong, t] {
      Image image;
      for (size_t k = 0; k < pictures.size(); ++k) {
        const Picture& picture = pictures[(k + static_cast<size_t>(t)) % pictures.size()];
        wrong += !DecodeImage(Golden(picture.name), &image).ok();
        pixels::ConvertChannels(3, &image);
        wrong += crc32(0, image.pixels.data(), static_cast<unsigned>(image.pixels.size())) != std::stoul(picture.crc, nullptr, 16);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

// JPEG and PNG: what ends early is shown only where no sample is missing, of files of one scan and of several.
TEST(DecodingGoldenTest, ATruncatedFileIsRefusedOrShowsEverySample) {
  Image whole, image;
  int shown = 0;
  for (const Picture& picture : Pictures()) {
    if (!absl::EndsWith(picture.name, ".jpg") && !absl::EndsWith(picture.name, ".png")) continue;
    const std::string good = Golden(picture.name);
    ASSERT_TRUE(DecodeImage(good, &whole).ok());
    for (size_t size = good.size() - 1; size > 20; size -= size + 60 > good.size() ? 1u : 7u) {
      if (!DecodeImage(good.substr(0, size), &image).ok()) continue;
      EXPECT_EQ(image.pixels, whole.pixels) << picture.name << " " << size << " of " << good.size();
      ++shown;
    }
  }
  EXPECT_GT(shown, 200);
}

// Every truncation and every damaged byte of every kind ends in a status, and what the libraries say does not reach the terminal.
TEST(DecodingGoldenTest, StandsDamage) {
  Image image;
  ::testing::internal::CaptureStderr();
  for (const auto& entry : std::filesystem::directory_iterator(DEIT_GOLDEN_DIR)) {
    const std::string good = testing::ReadFile(entry.path());
    const size_t stride = good.size() > 500 ? 7 : 1;
    for (size_t at = 0; at < good.size(); at += stride) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 0x81);
      for (const auto& bytes : {good.substr(0, at), bad}) {
        const Status status = DecodeImage(bytes, &image);
        EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kDataLoss) << entry.path() << " " << at << ": " << status;
      }
    }
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(DecodePpmTest, SaysWhatIsWrong) {
  Image image;
  const auto message = [&image](const std::string& bytes) { return std::string(DecodeImage(bytes, &image).message()); };
  EXPECT_EQ(message("P6 2 1 255 12345"), "broken PPM: truncated");
  EXPECT_EQ(message("P6 2 1 0 123456"), "broken PPM: maxval 0: allowed are 1 to 65535");
  EXPECT_EQ(message("P6 x"), "broken PPM: a number is missing");
  EXPECT_EQ(message("P6 12345678901 1 255 "), "broken PPM: a number of more than 10 digits");
  EXPECT_EQ(message("P3 1 1 15 1 2 16"), "broken PPM: a sample of 16: maxval is 15");
  EXPECT_EQ(message("P1 2 1 02"), "broken PPM: a pixel that is neither 0 nor 1");
  EXPECT_EQ(message("P5 100000 100000 255 "), "picture of 100000 x 100000 pixels: allowed are 1 to 32768 per side and 134217728 in all");
  EXPECT_EQ(message("P5 30000 4000 255 "), "broken PPM: truncated");
  EXPECT_LT(image.pixels.capacity(), size_t{1} << 20) << "nothing is allocated for what the file cannot hold";
}

// What Pillow gets wrong (tests/parity/decoding.py), so by the format's description.
TEST(DecodeBmpTest, JumpsAndOddRunsOfIndices) {
  const auto decoded = [](const std::string& golden, const std::string& runs) {
    Image image;
    std::string file = Golden(golden);
    const size_t pixels = 14 + 40 + 4 * 16;
    EXPECT_TRUE(DecodeBmp(file.replace(pixels, std::string::npos, runs), &image).ok());
    std::vector<size_t> indices;  // rows from the bottom up, of 7 pixels
    for (int y = image.height - 1; y >= 0; --y) {
      for (int x = 0; x < image.width; ++x) {
        size_t index = 0;
        while (file[54 + 4 * index] != static_cast<char>(image.row(y)[3 * x + 2])) ++index;  // by its blue
        indices.push_back(index);
      }
    }
    return indices;
  };
  const std::string rest("\7\4\0\0\7\5\0\0\7\6", 10);
  // 3 of index 1, then 2 to the right and 1 up, then 2 of index 2: 7 + 7 pixels.
  EXPECT_THAT(decoded("runs8.bmp", std::string("\3\1\0\2\2\1\2\2\0\0\7\3\0\0", 14) + rest),
              ElementsAreArray({1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 3, 3, 3, 3, 3, 3, 3,
                                4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6}));
  // 5 indices as they are, in 3 bytes and one more, then 2 of index 1.
  EXPECT_THAT(decoded("runs4.bmp", std::string("\0\5\x12\x34\x50\0\2\x11\0\0\7\x23\0\0\7\x33\0\0\7\x44\0\0\7\x55\0\0\7\x66", 28)),
              ElementsAreArray({1, 2, 3, 4, 5, 1, 1, 2, 3, 2, 3, 2, 3, 2, 3, 3, 3, 3, 3, 3, 3,
                                4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6}));
}

TEST(DecodeBmpTest, SaysWhatIsWrong) {
  constexpr size_t kHeader = 14, kWidth = 18, kHeight = 22, kBits = 28, kCompression = 30, kColours = 46, kMasks = 54;
  EXPECT_EQ(Message("BM"), "broken BMP: truncated");
  EXPECT_EQ(Message(Changed("bits24.bmp", kHeader, U32(41))), "broken BMP: a header of 41 bytes");
  EXPECT_EQ(Message(Changed("bits24.bmp", kWidth, U32(100000))),
            "picture of 100000 x 3 pixels: allowed are 1 to 32768 per side and 134217728 in all");
  EXPECT_EQ(Message(Changed("bits24.bmp", kHeight, U32(30000))), "broken BMP: truncated");
  EXPECT_EQ(Message(Changed("bits24.bmp", kBits, "\7")), "BMP of a kind that is not read: 7 bits, compression 0");
  EXPECT_EQ(Message(Changed("bits24.bmp", kCompression, "\4")), "BMP of a kind that is not read: 24 bits, compression 4");
  EXPECT_EQ(Message(Changed("bits16_565.bmp", kMasks, U32(5))),
            "BMP of a kind that is not read: a channel at 5: want 1 to 8 bits side by side");
  EXPECT_EQ(Message(Changed("bits8.bmp", kColours, U32(257))), "broken BMP: a palette of 257 colours");
  const std::string runs = Golden("runs8.bmp");
  EXPECT_EQ(Message(runs.substr(0, runs.size() - 4)), "broken BMP: truncated");
  EXPECT_EQ(Message(runs.substr(0, runs.size() - 4) + std::string("\0\1", 2)), "broken BMP: it ends before its last pixel");
}

TEST(DecodeTiffTest, SaysWhatIsWrong) {
  // little_rgb.tif: 105 bytes of samples from byte 8 on, then the tags by number, whose values stand at 124, 136, ...
  constexpr size_t kWidth = 124, kHeight = 136, kPhotometric = 160;
  std::string huge = Changed("little_rgb.tif", kWidth, U32(100000));
  huge.replace(kHeight, 4, U32(100000));
  EXPECT_EQ(Message(huge), "picture of 100000 x 100000 pixels: allowed are 1 to 32768 per side and 134217728 in all");
  EXPECT_EQ(Message(Changed("little_rgb.tif", kHeight, U32(30000))), "broken TIFF: truncated");
  EXPECT_EQ(Message(Changed("little_rgb.tif", kPhotometric, "\10")),
            "TIFF of a kind that is not read: photometric 8, 3 samples of 8 bits, format 1, compression 1");
  EXPECT_THAT(Message(Golden("little_rgb.tif").substr(0, 150)), StartsWith("broken TIFF: "));
  const std::string jpeg = Golden("jpeg_RGB.tif");
  const size_t scan = jpeg.find("\xff\xda");
  ASSERT_NE(scan, std::string::npos);
  EXPECT_THAT(Message(Changed("jpeg_RGB.tif", scan + 40, std::string(20, '\xff'))), StartsWith("broken TIFF: "));
}

TEST(DecodeWebpTest, SaysWhatIsWrong) {
  const std::string good = Golden("lossless.webp");
  for (size_t size = 12; size < good.size(); ++size) EXPECT_EQ(Message(good.substr(0, size)), "broken WebP: truncated") << size;
  EXPECT_EQ(Message(Changed("lossless.webp", 12, "VPXY")), "broken WebP: its chunks do not make a picture");
  EXPECT_THAT(Message(Changed("lossless.webp", 40, std::string(200, '\0'))), HasSubstr("broken WebP: its pixels cannot be decoded"));
  // 14 bits each for width - 1 and height - 1 behind the signature of the stream.
  EXPECT_EQ(Message(Changed("lossless.webp", 21, "\xff\xff\xff\x0f")),
            "picture of 16384 x 16384 pixels: allowed are 1 to 32768 per side and 134217728 in all");
}

}  // namespace
}  // namespace deit::data
