#include "common/control/frame.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace deit::control {
namespace {

std::vector<std::string> All(FrameReader& reader) {
  std::vector<std::string> messages;
  while (auto message = reader.Next()) messages.push_back(*std::move(message));
  return messages;
}

TEST(FrameTest, LengthStandsFirstHighByteFirst) {
  EXPECT_EQ(EncodeFrame("abc"), std::string("\0\0\0\3abc", 7));
  EXPECT_EQ(EncodeFrame(std::string(0x102, 'x')).substr(0, 4), std::string("\0\0\1\2", 4));
  EXPECT_EQ(EncodeFrame(""), std::string(4, '\0'));
}

TEST(FrameTest, MessagesComeOutHoweverTheBytesCome) {
  const std::vector<std::string> messages = {"", "a", std::string(300, 'b'), std::string(kMaxFrameBytes, 'c'), "d"};
  std::string stream;
  for (const auto& message : messages) stream += EncodeFrame(message);
  std::mt19937 random(1);
  for (size_t most : {size_t{1}, size_t{7}, size_t{4096}, stream.size()}) {
    FrameReader reader;
    std::vector<std::string> seen;
    for (size_t at = 0; at < stream.size();) {
      const size_t count = std::min(stream.size() - at, 1 + random() % most);
      reader.Append(absl::string_view(stream).substr(at, count));
      at += count;
      for (auto& message : All(reader)) seen.push_back(std::move(message));
    }
    EXPECT_EQ(seen, messages) << "pieces of at most " << most;
    EXPECT_FALSE(reader.too_long());
  }
}

TEST(FrameTest, ATruncatedFrameIsNoMessage) {
  const std::string frame = EncodeFrame("hello");
  for (size_t size = 0; size < frame.size(); ++size) {
    FrameReader reader;
    reader.Append(frame.substr(0, size));
    EXPECT_FALSE(reader.Next().has_value()) << size;
    EXPECT_FALSE(reader.too_long()) << size;
  }
}

TEST(FrameTest, AnOverLongFrameIsKnownFromItsLength) {
  for (const std::string& length : {std::string("\0\1\0\1", 4), std::string("\xff\xff\xff\xff", 4), std::string("GET ")}) {
    FrameReader reader;
    reader.Append(EncodeFrame("before") + length.substr(0, 3));
    EXPECT_EQ(reader.Next(), "before");
    EXPECT_FALSE(reader.too_long());
    reader.Append(length.substr(3));
    EXPECT_TRUE(reader.too_long());
    reader.Append(EncodeFrame("after"));
    EXPECT_FALSE(reader.Next().has_value());
  }
}

}  // namespace
}  // namespace deit::control
