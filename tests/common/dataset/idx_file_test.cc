#include "common/dataset/idx_file.h"

#include <zlib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "tests/support/file_content.h"
#include "tests/support/idx_content.h"
#include "tests/support/temp_folder.h"

namespace deit::dataset {
namespace {

using ::deit::testing::IdxContent;
using ::deit::testing::TempFolder;
using ::deit::testing::WriteFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Gzip(const std::string& content) {
  const TempFolder folder;
  gzFile file = gzopen((folder / "x.gz").c_str(), "wb");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
  return testing::ReadFile(folder / "x.gz");
}

class IdxFileTest : public ::testing::Test {
 protected:
  StatusOr<IdxFile> Read(const std::string& content, size_t rank = 3, int64_t max_items = 0) {
    WriteFile(path_, content);
    return ReadIdxFile(path_, rank, max_items);
  }

  const TempFolder folder_;
  const std::string path_ = folder_ / "images";
  const std::string good_ = IdxContent({3, 2, 2}, "abcdefghijkl");
};

TEST_F(IdxFileTest, ReadsPlainAndGzippedFilesAlike) {
  for (const std::string& content : {good_, Gzip(good_)}) {
    const auto file = Read(content);
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_THAT(file->dims, ElementsAre(3, 2, 2));
    EXPECT_EQ(std::string(file->values.begin(), file->values.end()), "abcdefghijkl");
  }
}

TEST_F(IdxFileTest, ReadsOnlyTheFirstItemsWhereAsked) {
  const auto file = Read(good_, 3, 2);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(std::string(file->values.begin(), file->values.end()), "abcdefgh");
  EXPECT_THAT(file->dims, ElementsAre(3, 2, 2));
}

TEST_F(IdxFileTest, RefusesEveryTruncation) {
  for (const std::string& content : {good_, Gzip(good_)}) {
    for (size_t size = 0; size < content.size(); ++size) {
      const auto file = Read(content.substr(0, size));
      EXPECT_EQ(file.status().code(), absl::StatusCode::kDataLoss) << size << " of " << content.size();
      EXPECT_THAT(std::string(file.status().message()), HasSubstr(path_));
    }
  }
}

TEST_F(IdxFileTest, RefusesEveryOtherHeaderByte) {
  for (size_t at = 0; at < 16; ++at) {
    for (const int change : {1, 0x80}) {
      std::string content = good_;
      content[at] = static_cast<char>(content[at] ^ change);
      EXPECT_EQ(Read(content).status().code(), absl::StatusCode::kDataLoss) << "byte " << at;
      EXPECT_EQ(Read(Gzip(content)).status().code(), absl::StatusCode::kDataLoss) << "byte " << at << " of the gzipped file";
    }
  }
}

TEST_F(IdxFileTest, RefusesGzipThatGivesOtherBytes) {
  const std::string gzipped = Gzip(good_);
  int refused = 0;
  for (size_t at = 0; at < gzipped.size(); ++at) {
    std::string content = gzipped;
    content[at] = static_cast<char>(content[at] ^ 0x10);
    const auto file = Read(content);  // the header's time and the last byte's padding mean nothing
    if (file.ok()) {
      EXPECT_EQ(std::string(file->values.begin(), file->values.end()), "abcdefghijkl") << "byte " << at;
    } else {
      EXPECT_EQ(file.status().code(), absl::StatusCode::kDataLoss) << "byte " << at;
      ++refused;
    }
  }
  EXPECT_GE(refused, static_cast<int>(gzipped.size()) - 8);
}

TEST_F(IdxFileTest, RefusesWhatFollowsTheValues) {
  EXPECT_THAT(std::string(Read(good_ + "x").status().message()), HasSubstr("longer than its header says"));
  EXPECT_THAT(std::string(Read(Gzip(good_ + "x")).status().message()), HasSubstr("longer than its header says"));
}

TEST_F(IdxFileTest, TakesNoMemoryForALyingHeader) {
  EXPECT_EQ(Read(IdxContent({0xffffffff, 0xffffffff, 0xffffffff}, "x")).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Read(Gzip(IdxContent({60000, 2000, 2000}, "x"))).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReadIdxDims(path_, 3).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(IdxFileTest, NamesTheRankItExpected) {
  EXPECT_THAT(std::string(Read(good_, 1).status().message()), HasSubstr("with 1 dimensions: it starts with 0 0 8 3"));
}

TEST_F(IdxFileTest, FindsThePlainFileFirstThenTheGzippedOne) {
  EXPECT_EQ(FindIdxFile(folder_.path(), "a").status().code(), absl::StatusCode::kNotFound);
  WriteFile(folder_ / "a.gz", "");
  EXPECT_EQ(*FindIdxFile(folder_.path(), "a"), folder_ / "a.gz");
  WriteFile(folder_ / "a", "");
  EXPECT_EQ(*FindIdxFile(folder_.path(), "a"), folder_ / "a");
}

}  // namespace
}  // namespace deit::dataset
