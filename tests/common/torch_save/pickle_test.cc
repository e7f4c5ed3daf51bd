#include "common/torch_save/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::torch_save {
namespace {

using Kind = PickleValue::Kind;
using ::testing::HasSubstr;

// The root of a pickle that is complete but for its end, or the error.
std::string Read(const std::string& instructions) {
  const std::string all = instructions + ".";
  const StatusOr<Pickle> pickle = Pickle::Read(all);
  if (!pickle.ok()) return std::string(pickle.status().message());
  EXPECT_EQ(pickle->bytes(), all.size());
  return Description(pickle->root());
}

int64_t Number(const std::string& instructions) {
  const std::string all = instructions + ".";
  const StatusOr<Pickle> pickle = Pickle::Read(all);
  EXPECT_TRUE(pickle.ok() && pickle->root().Is(Kind::kInt)) << pickle.status();
  return pickle.ok() ? pickle->root().number : 0;
}

TEST(PickleTest, ReadsIntegersOfEveryWidth) {
  EXPECT_EQ(Number("K\xff"), 255);
  EXPECT_EQ(Number("M\x01\x02"), 513);
  EXPECT_EQ(Number("J\xfe\xff\xff\xff"), -2);
  EXPECT_EQ(Number(std::string("\x8a\x00", 2)), 0);
  EXPECT_EQ(Number("\x8a\x01\xff"), -1);
  EXPECT_EQ(Number(std::string("\x8a\x02\xff\x00", 4)), 255);
  EXPECT_EQ(Number("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"), INT64_MAX);
  EXPECT_EQ(Read("\x8a\x09"
                 "123456789"),
            "int")
      << "kept as bytes";
}

TEST(PickleTest, ACallIsAnInertObject) {
  const std::string text = "cos\nsystem\nX\x02" + std::string(3, '\0') + "ls\x85R.";
  const StatusOr<Pickle> pickle = Pickle::Read(text);
  ASSERT_TRUE(pickle.ok()) << pickle.status();
  EXPECT_EQ(Description(pickle->root()), "an object of os.system");
  EXPECT_TRUE(pickle->root().callable->IsGlobal("os", "system"));
  EXPECT_EQ(pickle->root().arguments->items.at(0)->text, "ls");
}

TEST(PickleTest, ContainersHoldWhatIsPutIntoThem) {
  const std::string text =
      "}q\x01(K\x01]K\x07"
      "aK\x02(K\x03K\x04tuh\x01K\x05h\x01s.";
  const StatusOr<Pickle> pickle = Pickle::Read(text);
  ASSERT_TRUE(pickle.ok()) << pickle.status();
  const auto& items = pickle->root().items;
  ASSERT_EQ(items.size(), 6U);
  EXPECT_EQ(items[1]->items.at(0)->number, 7);
  EXPECT_EQ(items[3]->items.at(1)->number, 4);
  EXPECT_EQ(items[5], &pickle->root()) << "it holds itself";
}

TEST(PickleTest, NamesTheInstructionThatCannotBe) {
  EXPECT_EQ(Read("K\x01"
                 "i"),
            "pickle: byte 2: instruction 0x69 is not of protocols 2 to 5");
  EXPECT_EQ(Read(""), "pickle: byte 0: its stack lacks an operand");
  for (const char* lacking : {"0", "2", "q\x01", "R", "K\x01R", "\x85", "\x93", "Q", "s", "a", "K\x01(R", "K\x01(0", "\x81", "\x92"}) {
    EXPECT_THAT(Read(lacking), HasSubstr("its stack lacks an operand")) << lacking;
  }
  for (const char* unmarked : {"t", "e", "u", "d", "l", "1"}) EXPECT_THAT(Read(unmarked), HasSubstr("its stack has no mark"));
  EXPECT_THAT(Read("h\x05"), HasSubstr("nothing was remembered as 5"));
  EXPECT_THAT(Read("}K\x01"
                   "a"),
              HasSubstr("a key without a value"));
  EXPECT_THAT(Read("(K\x01"
                   "d"),
              HasSubstr("a key without a value"));
  EXPECT_THAT(Read("K\x01K\x02"
                   "a"),
              HasSubstr("nothing that values can be put into"));
}

TEST(PickleTest, AnOperandBeyondTheEndIsAnError) {
  for (const char* cut : {"X\x05\x01", "X\xff\xff\xff\xff", "\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "J\x01", "G\x01", "\x8c\x09z",
                          "K\x01K\x02\x8c\x04z", "cos", "cos\nx", "\x95\x01", "\x8b\xff\xff\xff\xff"}) {
    EXPECT_THAT(Read(cut), HasSubstr("an operand beyond its end")) << cut;
  }
  EXPECT_THAT(std::string(Pickle::Read("").status().message()), HasSubstr("an operand beyond its end"));
}

TEST(PickleTest, AFloodOfValuesIsRefused) {
  EXPECT_THAT(std::string(Pickle::Read(std::string(9, 'N') + ".", 8).status().message()), HasSubstr("more than 8 values"));
  EXPECT_THAT(std::string(Pickle::Read("N" + std::string(10, '\x94') + ".", 8).status().message()),
              HasSubstr("more than 8 remembered values"));
  EXPECT_EQ(Read(std::string(9, 'N')), "None");
}

TEST(PickleTest, DescriptionsHaveNoControlCharacters) { EXPECT_EQ(Read("c\x1b[31m\nx\n"), "\\033[31m.x"); }

}  // namespace
}  // namespace deit::torch_save
