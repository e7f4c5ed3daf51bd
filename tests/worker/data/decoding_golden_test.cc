// Every kind of picture file against Pillow's convert("RGB"): golden/ (tests/parity/decoding.py).
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "common/base/status.h"
#include "tests/support/file_content.h"
#include "worker/data/image.h"

namespace deit::data {
namespace {

TEST(DecodingGoldenTest, EqualsPillowsConvertToRgb) {
  std::ifstream file(DEIT_GOLDEN_DIR "/expected.txt");
  std::string name, crc;
  int width = 0, height = 0;
  ptrdiff_t files = 0;
  Image image;
  while (file >> name >> width >> height >> crc) {
    const Status status = DecodeImage(testing::ReadFile(DEIT_GOLDEN_DIR "/" + name), &image);
    ASSERT_TRUE(status.ok()) << name << ": " << status;
    pixels::ConvertChannels(3, &image);
    EXPECT_EQ(image.width, width) << name;
    EXPECT_EQ(image.height, height) << name;
    EXPECT_EQ(crc32(0, image.pixels.data(), static_cast<unsigned>(image.pixels.size())), std::stoul(crc, nullptr, 16)) << name;
    ++files;
  }
  const std::filesystem::directory_iterator begin(DEIT_GOLDEN_DIR);
  EXPECT_EQ(std::distance(begin, std::filesystem::directory_iterator()), files + 1) << "each file and the list";
}

// Every truncation and every damaged byte of every kind ends in a status.
TEST(DecodingGoldenTest, StandsDamage) {
  Image image;
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

}  // namespace
}  // namespace deit::data
