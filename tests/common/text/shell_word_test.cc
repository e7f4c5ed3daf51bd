#include "common/text/shell_word.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>

namespace deit::text {
namespace {

// What bash makes of it.
std::string Read(const std::string& word) {
  const std::string command = "exec bash -c " + ShellWord("printf %s " + word);
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 256> read{};
  const size_t bytes = std::fread(read.data(), 1, read.size(), pipe);
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return std::string(read.data(), bytes);
}

TEST(ShellWordTest, PlainWordsStayAsTheyAre) {
  for (const char* word : {"runs/student", "/a/b-c_d.e:1", "--run_dir=x", "7f3a0001"}) EXPECT_EQ(ShellWord(word), word);
  EXPECT_EQ(ShellWord(""), "''");
  EXPECT_EQ(ShellWord("my run"), "'my run'");
  EXPECT_EQ(ShellWord("my run's $HOME"), "'my run'\\''s $HOME'");
  EXPECT_EQ(ShellWord("a\nb'"), "$'a\\012b\\''") << "a message is one line";
}

TEST(ShellWordTest, BashReadsBackTheSameText) {
  for (const std::string text :
       {"plain", "/tmp/my run's $HOME", "`id` \"x\" \\ ! * ? [a] {b} ~ # & | ; < > ( )", "\xC3\xA4 \xE2\x82\xAC", "-"}) {
    EXPECT_EQ(Read(ShellWord(text)), text);
  }
}

}  // namespace
}  // namespace deit::text
