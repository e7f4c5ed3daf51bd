#include "common/dataset/tar_members.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "tests/support/file_content.h"
#include "tests/support/tar_content.h"
#include "tests/support/temp_folder.h"

namespace deit::dataset {
namespace {

using ::deit::testing::TarEnd;
using ::deit::testing::TarHeader;
using ::deit::testing::TempFolder;
using ::deit::testing::WriteFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TarMembersTest : public ::testing::Test {
 protected:
  // "NAME BYTES@OFFSET" of each.
  std::vector<std::string> Members(const std::string& content) {
    const auto members = Read(content);
    EXPECT_TRUE(members.ok()) << members.status();
    std::vector<std::string> texts;
    for (const TarMember& member : members.value_or(std::vector<TarMember>())) {
      texts.push_back(
          absl::StrCat(member.name, " ", member.bytes, "@", member.offset, member.broken_link.empty() ? "" : " -> ", member.broken_link));
    }
    return texts;
  }
  absl::StatusOr<std::vector<TarMember>> Read(const std::string& content) {
    WriteFile(folder_ / "x.tar", content);
    return ReadTarMembers(folder_ / "x.tar");
  }
  void ExpectBroken(const std::string& content, const std::string& cause) {
    const Status status = Read(content).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr(folder_ / "x.tar: byte "));
    EXPECT_THAT(std::string(status.message()), HasSubstr(cause));
  }
  static std::string Pax(const std::string& records) { return testing::TarMember("pax", records, 'x'); }

  const TempFolder folder_;
};

TEST_F(TarMembersTest, ListsRegularFilesWithTheirPlaces) {
  const std::string tar = testing::TarMember("a.jpg", "picture") + testing::TarMember("folder/", "", '5') +
                          testing::TarMember("a.cls", "7") + testing::TarMember("device", "", '3') +
                          testing::TarMember("deep.jpg", std::string(600, 'x'), '0', "some/folder");
  EXPECT_THAT(Members(tar + TarEnd()), ElementsAre("a.jpg 7@512", "a.cls 1@2048", "some/folder/deep.jpg 600@3584"));
  EXPECT_THAT(Members(tar), ElementsAre("a.jpg 7@512", "a.cls 1@2048", "some/folder/deep.jpg 600@3584")) << "without the empty blocks";
  EXPECT_THAT(Members(TarEnd()), IsEmpty());
  EXPECT_THAT(Members(TarEnd() + std::string(size_t{9} * 1024, '\0')), IsEmpty()) << "the one record that Python and GNU tar write";
}

TEST_F(TarMembersTest, LinksAreWhatTheyPointToInTheFile) {
  using testing::TarLink;
  const std::string tar = testing::TarMember("f/a.jpg", "picture") + TarLink("f/hard.jpg", "f/a.jpg", '1') +
                          TarLink("f/soft.jpg", "a.jpg", '2') + TarLink("./g/up.jpg", ".././f//./soft.jpg", '2') +
                          TarLink("early.jpg", "late.jpg", '2') + testing::TarMember("late.jpg", "12");
  EXPECT_THAT(Members(tar), ElementsAre("f/a.jpg 7@512", "f/hard.jpg 7@512", "f/soft.jpg 7@512", "./g/up.jpg 7@512", "early.jpg 2@3584",
                                        "late.jpg 2@3584"));
  const std::string name(200, 'n');
  EXPECT_THAT(Members(testing::TarMember(name.substr(0, 99), "xy") + testing::TarMember("././@LongLink", name.substr(0, 99) + '\0', 'K') +
                      TarLink("link", "cut", '1') + Pax("22 linkpath=elsewhere\n") + TarLink("link", name.substr(0, 99), '1')),
              ElementsAre(name.substr(0, 99) + " 2@512", "link 2@512", "link 0@0 -> elsewhere"));
  EXPECT_THAT(
      Members(TarLink("f/a", "/etc/passwd", '2') + TarLink("f/b", "../../a", '2') + TarLink("f/c", "c", '2') + TarLink("d", "", '1')),
      ElementsAre("f/a 0@0 -> /etc/passwd", "f/b 0@0 -> f/../../a", "f/c 0@0 -> f/c", "d 0@0 -> nothing"));
}

TEST_F(TarMembersTest, WhatATornFileHoldsBehindItsLastMemberIsNoEnd) {
  const std::string one = testing::TarMember("a", "12");
  const std::string zeros(size_t{64} * 1024, '\0');
  ExpectBroken("", "byte 0: an empty file");
  ExpectBroken(zeros, "byte 0: zeros from here to byte 10240");
  ExpectBroken(one + std::string(4096, '\0') + one, "byte 5120: data behind the end mark");
  ExpectBroken(one + TarEnd() + one + TarEnd(), "byte 2048: data behind the end mark");
  EXPECT_THAT(Members(one + zeros), ElementsAre("a 2@512")) << "a large record";
  ExpectBroken(one + std::string((1 << 20) + 1, '\0'), "byte 1024: zeros from here to byte 1049600");
}

TEST_F(TarMembersTest, LongNamesAndSizesAreReadAsGnuAndPaxWriteThem) {
  const std::string name(300, 'n');
  EXPECT_THAT(
      Members(testing::TarMember("././@LongLink", name + '\0', 'L') + testing::TarMember("short", "x") + testing::TarMember("b", "y")),
      ElementsAre(name + " 1@1536", "b 1@2560"));
  EXPECT_THAT(Members(testing::TarMember("g", "6 a=1\n", 'g') + Pax("12 path=abc\n20 mtime=1234567.25\n") + testing::TarMember("x", "12")),
              ElementsAre("abc 2@2560"));
  EXPECT_THAT(Members(Pax("10 size=3\n") + TarHeader("x", 0) + "abc"), ElementsAre("x 3@1536"));
  std::string binary = TarHeader("x", 0);
  binary.replace(124, 12, std::string("\x80\0\0\0\0\0\0\0\0\0\0\5", 12));
  EXPECT_THAT(Members(testing::WithTarChecksum(binary) + "12345"), ElementsAre("x 5@512"));
}

TEST_F(TarMembersTest, WhatAnExtendedHeaderSaysIsOfTheNextMemberWhateverStandsBetween) {
  const std::string name(200, 'n'), between = testing::TarMember("link", "far away", 'K') + testing::TarMember("g", "6 a=1\n", 'g');
  const std::string long_name = testing::TarMember("././@LongLink", name + '\0', 'L'), size = Pax("10 size=3\n");
  EXPECT_THAT(Members(long_name + size + between + TarHeader("short", 0) + "abc"), ElementsAre(name + " 3@4608"));
  EXPECT_THAT(Members(long_name + testing::TarMember("folder", "", '5') + testing::TarMember("b", "y")), ElementsAre("b 1@2048"));
}

TEST_F(TarMembersTest, WhatIsNoWholeTarIsNamedWithItsByte) {
  const std::string good = testing::TarMember("a", "12");
  ExpectBroken(good + "text", "byte 1024: cut off");
  ExpectBroken(good + std::string(512, 'x'), "byte 1024: not a tar header");
  ExpectBroken(good + TarHeader("b", 600) + std::string(512, 'x'), "byte 1024: cut off");
  ExpectBroken(good + testing::TarMember("b", "", 'S'), "byte 1024: a sparse file");
  ExpectBroken(good + Pax("22 GNU.sparse.major=1\n"), "byte 1024: an extended header");
  for (const char* records : {"x", "99 path=a\n", "8 path=a\n", "0 a\n", "6 path\n", "11 size=x1\n"})
    ExpectBroken(Pax(records), "an extended header");
  ExpectBroken(testing::TarMember("b", std::string((1 << 20) + 1, 'x'), 'L'), "more than 1 MiB");
}

TEST_F(TarMembersTest, AMissingFileIsNotFound) { EXPECT_TRUE(absl::IsNotFound(ReadTarMembers(folder_ / "none.tar").status())); }

}  // namespace
}  // namespace deit::dataset
