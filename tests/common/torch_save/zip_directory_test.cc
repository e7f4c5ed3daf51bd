#include "common/torch_save/zip_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/file_content.h"
#include "tests/support/temp_folder.h"

namespace deit::torch_save {
namespace {

using ::testing::HasSubstr;

template <typename T>
std::string Bytes(T number) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(T); ++i) bytes.push_back(static_cast<char>(number >> 8 * i));
  return bytes;
}

// An archive with one member "a/b" of the content "12345", whose fields a test changes.
struct Archive {
  uint16_t flags = 0, method = 0, members = 1;
  uint32_t stored = 5, bytes = 5, header = 0;
  std::string extra = "", trailer = "", name = "a/b";
  uint32_t directory_bytes = 0;  // 0: as it is

  std::string Text() const {
    const std::string local = "PK\3\4" + std::string(22, '\0') + Bytes<uint16_t>(3) + Bytes<uint16_t>(2) + "a/bxx" + "12345";
    const std::string entry = "PK\1\2" + std::string(4, '\0') + Bytes(flags) + Bytes(method) + std::string(8, '\0') + Bytes(stored) +
                              Bytes(bytes) + Bytes(static_cast<uint16_t>(name.size())) + Bytes(static_cast<uint16_t>(extra.size())) +
                              std::string(10, '\0') + Bytes(header) + name + extra;
    const std::string entries = members == 2 ? entry + entry : entry;
    return local + entries + trailer + "PK\5\6" + std::string(6, '\0') + Bytes(members) +
           Bytes(directory_bytes != 0 ? directory_bytes : static_cast<uint32_t>(entries.size())) +
           Bytes(static_cast<uint32_t>(local.size())) + Bytes<uint16_t>(0);
  }
};

StatusOr<std::vector<ZipMember>> ReadText(const std::string& text) {
  const testing::TempFolder folder;
  testing::WriteFile(folder / "x.zip", text);
  const auto file = files::FileSystem::Posix().OpenForRead(folder / "x.zip");
  EXPECT_TRUE(file.ok());
  return ReadZipDirectory(**file);
}

std::string ErrorOf(const Archive& archive) { return std::string(ReadText(archive.Text()).status().message()); }

TEST(ZipDirectoryTest, LocatesMembersBehindTheirOwnHeaders) {
  const auto members = ReadText(Archive{}.Text());
  ASSERT_TRUE(members.ok()) << members.status();
  ASSERT_EQ(members->size(), 1U);
  EXPECT_EQ((*members)[0].name, "a/b");
  EXPECT_EQ(Archive{}.Text().substr((*members)[0].offset, (*members)[0].bytes), "12345");
}

TEST(ZipDirectoryTest, SaysWhichMembersAreCoded) {
  EXPECT_EQ(ReadText(Archive{}.Text())->at(0).coded, nullptr);
  EXPECT_STREQ(ReadText(Archive{.flags = 1}.Text())->at(0).coded, "encrypted");
  EXPECT_STREQ(ReadText(Archive{.method = 8, .bytes = 9}.Text())->at(0).coded, "compressed");
}

TEST(ZipDirectoryTest, ReadsZip64) {
  Archive archive{.bytes = ~0U, .header = ~0U};
  archive.extra =
      Bytes<uint16_t>(7) + Bytes<uint16_t>(1) + "x" + Bytes<uint16_t>(1) + Bytes<uint16_t>(16) + Bytes<uint64_t>(5) + Bytes<uint64_t>(0);
  const auto members = ReadText(archive.Text());
  ASSERT_TRUE(members.ok()) << members.status();
  EXPECT_EQ(archive.Text().substr((*members)[0].offset, (*members)[0].bytes), "12345");
  archive.extra.pop_back();
  EXPECT_THAT(ErrorOf(archive), HasSubstr("member 'a/b': no zip64 field though a length or offset wants one"));

  const uint64_t local = 40, entry = 49;
  const std::string end64 = "PK\6\6" + std::string(28, '\0') + Bytes<uint64_t>(1) + Bytes(entry) + Bytes(local);
  const Archive large{.members = 0xFFFF,
                      .trailer = end64 + "PK\6\7" + std::string(4, '\0') + Bytes(local + entry) + std::string(4, '\0'),
                      .directory_bytes = ~0U};
  ASSERT_TRUE(ReadText(large.Text()).ok()) << ErrorOf(large);
}

TEST(ZipDirectoryTest, EveryLieIsNamed) {
  EXPECT_THAT(ErrorOf({.stored = 4}), HasSubstr("4 bytes stored of 5"));
  EXPECT_THAT(ErrorOf({.stored = 5000, .bytes = 5000}), HasSubstr("5000 bytes at 35 are not in the file's"));
  EXPECT_THAT(ErrorOf({.header = 3}), HasSubstr("no member at byte 3"));
  EXPECT_THAT(ErrorOf({.header = 1 << 20}), HasSubstr("are not in the file's"));
  EXPECT_THAT(ErrorOf({.members = 2}), HasSubstr("member 'a/b' is there twice"));
  EXPECT_THAT(ErrorOf({.members = 3}), HasSubstr("1 members, but the archive says 3"));
  EXPECT_THAT(ErrorOf({.directory_bytes = 1 << 20}), HasSubstr("are not in the file's"));
  EXPECT_THAT(ErrorOf({.directory_bytes = 48}), HasSubstr("broken directory"));
  EXPECT_THAT(ErrorOf({.directory_bytes = 1U << 31}), HasSubstr("a directory of 2147483648 bytes"));
  EXPECT_THAT(ErrorOf({.name = "\x1b"}), ::testing::Not(HasSubstr("\x1b")));
}

TEST(ZipDirectoryTest, AFileThatIsCutOffHasNoDirectory) {
  const std::string whole = Archive{}.Text();
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(ReadText(whole.substr(0, size)).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace deit::torch_save
