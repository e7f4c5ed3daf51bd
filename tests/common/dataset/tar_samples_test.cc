#include "common/dataset/tar_samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "tests/support/file_content.h"
#include "tests/support/tar_content.h"
#include "tests/support/temp_folder.h"

namespace deit::dataset {
namespace {

using ::deit::testing::TarEnd;
using ::deit::testing::TarLink;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Member(const std::string& name, const std::string& content = "x") { return testing::TarMember(name, content); }

class TarSamplesTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::vector<TarSample>> Read(const std::string& members) {
    testing::WriteFile(folder_ / "x.tar", members + TarEnd());
    return ReadTarSamples(folder_ / "x.tar", RulesOf(data_, classes_));
  }
  // "LABEL NAME" of each.
  std::vector<std::string> Samples(const std::string& members) {
    const auto samples = Read(members);
    EXPECT_TRUE(samples.ok()) << samples.status();
    std::vector<std::string> texts;
    for (const TarSample& sample : samples.value_or(std::vector<TarSample>())) {
      texts.push_back(absl::StrCat(sample.label, " ", sample.image.name));
    }
    return texts;
  }
  void ExpectRefused(const std::string& members, const std::string& cause, const std::string& hint) {
    const Status status = Read(members).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat(folder_ / "x.tar", ": sample '", cause)));
    EXPECT_THAT(HintOf(status), HasSubstr(hint));
  }

  const testing::TempFolder folder_;
  v1::DataSpec data_;
  std::vector<std::string> classes_;
};

TEST_F(TarSamplesTest, TheCaseOfKeysDoesNotMatter) {
  EXPECT_THAT(Samples(Member("0.JPG") + Member("0.CLS", "3") + Member("1.Cls", "4") + Member("1.Seg.PNG")),
              ElementsAre("3 0.JPG", "4 1.Seg.PNG"));
}

TEST_F(TarSamplesTest, OfSeveralPicturesTheUsualOneCounts) {
  EXPECT_THAT(Samples(Member("0.seg.png") + Member("0.png") + Member("0.jpg") + Member("0.cls", "1")), ElementsAre("1 0.jpg"));
  EXPECT_THAT(Samples(Member("0.webp") + Member("0.mask.jpg") + Member("0.cls", "1")), ElementsAre("1 0.webp"));
  const std::string pair = Member("0.left.jpg") + Member("0.right.jpg") + Member("0.cls", "1");
  ExpectRefused(pair, "0': 2 pictures: 0.left.jpg, 0.right.jpg", "data.input_key=left.jpg");
  data_.set_input_key("none;RIGHT.jpg;left.jpg");
  EXPECT_THAT(Samples(pair), ElementsAre("1 0.right.jpg"));
  ExpectRefused(Member("0.jpg") + Member("0.cls", "1"), "0': a label, but no picture: 0.jpg, 0.cls", "data.input_key");
}

TEST_F(TarSamplesTest, DotsInNamesAreExplained) {
  ExpectRefused(Member("img.v2.0.jpg") + Member("img.v2.0.cls", "0") + Member("img.v2.1.jpg") + Member("img.v2.1.cls", "1"),
                "img': 2 pictures: img.v2.0.jpg, img.v2.1.jpg", "shares a name up to its first dot");
  EXPECT_THAT(Samples(Member("v2.0/img.jpg") + Member("v2.0/img.cls", "5")), ElementsAre("5 v2.0/img.jpg"));
}

TEST_F(TarSamplesTest, WhatIsNotSideBySideIsSaidWithTheCure) {
  ExpectRefused(Member("0.jpg") + Member("1.jpg") + Member("0.cls", "0") + Member("1.cls", "1"),
                "0': no label beside 0.jpg: its members are not side by side", "tar --sort=name");
  ExpectRefused(Member("0.cls", "0") + Member("1.cls", "1") + Member("0.jpg") + Member("1.jpg"), "0': no picture beside 0.cls",
                "--sort=name");
}

TEST_F(TarSamplesTest, HalfSamplesAreNamedAndOthersLeftOut) {
  EXPECT_THAT(Samples(Member("._0.jpg") + Member("notes.txt") + Member("0.json", "{}")), IsEmpty());
  ExpectRefused(Member("0.gif") + Member("0.cls", "0"), "0': a label, but no picture: 0.gif, 0.cls", "pictures end in .jpg");
  ExpectRefused(Member("0.jpg") + Member("0.txt", "0"), "0': no label: no member 0.cls beside 0.jpg, 0.txt", "data.target_key=txt");
  ExpectRefused(Member("0.jpg") + Member("0.cls", "0") + Member("0.CLS", "1"), "0': several labels: 0.cls, 0.CLS", "");
}

TEST_F(TarSamplesTest, WhatBelongsToNoSampleIsLeftOutAndDividesNone) {
  for (const char* const other : {"README", "f/LICENSE", "._0.jpg", "f/._0.cls", "__meta__", "__meta__/0.jpg", "____/0.cls"}) {
    EXPECT_THAT(Samples(Member(other) + Member("f/0.jpg") + Member(other) + Member("f/0.cls", "1")), ElementsAre("1 f/0.jpg")) << other;
  }
  EXPECT_THAT(Samples(Member("__0__.jpg") + Member("__0__.cls", "1")), ElementsAre("1 __0__.jpg"));
  EXPECT_THAT(Samples(Member("__x/0.jpg") + Member("__x/0.cls", "1")), ElementsAre("1 __x/0.jpg"));
  ExpectRefused(Member("f/__meta__/0.jpg"), "f/__meta__/0': no label", "");
}

TEST_F(TarSamplesTest, LinksAreFollowedOrNamed) {
  EXPECT_THAT(Samples(Member("0.jpg") + Member("0.cls", "2") + TarLink("1.jpg", "0.jpg", '1') + TarLink("1.cls", "0.cls", '2')),
              ElementsAre("2 0.jpg", "2 1.jpg"));
  ExpectRefused(TarLink("f/0.jpg", "../photos/0.jpg", '2') + Member("f/0.cls", "2"),
                "f/0': f/0.jpg: a link to f/../photos/0.jpg, which is no file of the shard", "tar --dereference");
  ExpectRefused(Member("0.jpg") + TarLink("0.cls", "1.cls", '1'), "0': 0.cls: a link to 1.cls", "");
}

TEST_F(TarSamplesTest, LabelsAreNumbersOrNamesInATextOrAnObject) {
  classes_ = {"tench", "crane", "crane"};
  EXPECT_THAT(Samples(Member("0.jpg") + Member("0.cls", "\xef\xbb\xbf 2\n") + Member("1.jpg") + Member("1.cls", "tench\n")),
              ElementsAre("2 0.jpg", "0 1.jpg"));
  ExpectRefused(Member("0.jpg") + Member("0.cls", "crane"), "0': its .cls is no number: \"crane\", which is several lines", "classes.txt");
  ExpectRefused(Member("0.jpg") + Member("0.cls", "go\"ld"), "0': its .cls is no number: \"go\\\"ld\"", "classes.txt has one a line");
  ExpectRefused(Member("0.jpg") + Member("0.cls", std::string(2000, '1')), "0': its .cls has 2000 bytes", "");
  data_.set_target_key("txt");
  EXPECT_THAT(Samples(Member("0.jpg") + Member("0.cls", "x") + Member("0.txt", "7")), ElementsAre("7 0.jpg"));
  data_.set_target_key("json:meta.label");
  const auto object = [](const std::string& text) { return Member("0.jpg") + Member("0.json", text); };
  EXPECT_THAT(Samples(object(R"({"label": 1, "meta": {"other": [{}], "label": 3, "x": 1}, "y": 2})")), ElementsAre("3 0.jpg"));
  EXPECT_THAT(Samples(object(R"({"meta": {"label": "tench"}})")), ElementsAre("0 0.jpg"));
  EXPECT_THAT(Samples(object(R"({"score": NaN, "range": [-Infinity, Infinity], "meta": {"label": 1}})")), ElementsAre("1 0.jpg"));
  ExpectRefused(object("{}"), "0': its .json: no field meta", "");
  ExpectRefused(object(R"({"meta": {"x": 1}})"), "0': its .json: no field label", "");
  ExpectRefused(object(R"({"meta": 5})"), "0': its .json: byte 9: expected '{'", "");
  ExpectRefused(object(R"({"meta": {"label": [3]}})"), "0': its .json: byte ", "");
  ExpectRefused(object(R"({"meta": {"label": 1.5}})"), "0': its .json is no number: \"1.5\"", "");
  ExpectRefused(object("not json"), "0': its .json: byte 0", "");
}

}  // namespace
}  // namespace deit::dataset
