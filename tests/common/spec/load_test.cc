#include "common/spec/load.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <thread>

#include "common/base/exit_code.h"
#include "common/spec/spec_digest.h"
#include "tests/support/temp_folder.h"

namespace deit::spec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kWithTeacher = "model { name: 'deit_distilled' } teacher { model { name: 'convnet' } weights: 'w' }";
constexpr char kTiny[] = "model { name: \"vit\" img_size: 32 patch_size: 4 }";

v1::JobSpec Parse(const std::string& text, const std::vector<std::string>& overrides = {},
                  const std::string& path = "/jobs/a/small.textproto") {
  const auto spec = ParseSpec(text, path, overrides, {.working_folder = "/home/me", .default_name = ""});
  EXPECT_TRUE(spec.ok()) << spec.status().message();
  return spec.ok() ? *spec : v1::JobSpec();
}

bool Same(const v1::JobSpec& a, const v1::JobSpec& b) { return google::protobuf::util::MessageDifferencer::Equals(a, b); }

TEST(LoadTest, FillsInEveryDefaultExplicitly) {
  const v1::JobSpec spec = Parse(kTiny);
  EXPECT_EQ(spec.name(), "small");
  EXPECT_EQ(spec.run_dir(), "/home/me/runs/small");
  EXPECT_TRUE(spec.train().has_epochs());
  EXPECT_EQ(spec.train().epochs(), 300);
  EXPECT_TRUE(spec.fault().has_stall_timeout());
  EXPECT_TRUE(spec.model().has_embed_dim());
  EXPECT_EQ(spec.model().embed_dim(), 192);
  EXPECT_EQ(spec.augment().crop(), v1::AugmentSpec::PADDED);
  EXPECT_EQ(spec.teacher().schedule(), v1::TeacherSpec::NONE);
  EXPECT_FALSE(spec.teacher().has_model());
}

TEST(LoadTest, DerivesWhatDependsOnOtherFields) {
  const v1::JobSpec spec = Parse(R"(
      model { name: "deit_distilled" img_size: 28 patch_size: 7 in_chans: 1 num_classes: 5 embed_dim: 64 num_heads: 4 }
      teacher { model { name: "convnet" } weights: "w.safetensors" }
      distillation { type: SOFT }
      data { format: IDX root: "d" }
      train { seed: 7 epochs: 20 }
  )");
  EXPECT_EQ(spec.data().seed(), 7u);
  EXPECT_THAT(spec.data().mean(), ElementsAre(0.2860f));
  EXPECT_THAT(spec.data().std(), ElementsAre(0.3530f));
  EXPECT_EQ(spec.teacher().schedule(), v1::TeacherSpec::INLINE);
  EXPECT_EQ(spec.teacher().record(), v1::TeacherSpec::DENSE_FP32);
  EXPECT_EQ(spec.teacher().topk(), 5);
  EXPECT_EQ(spec.teacher().model().num_classes(), 5);
  EXPECT_EQ(spec.teacher().model().img_size(), 28);
  EXPECT_EQ(spec.teacher().model().in_chans(), 1);
  EXPECT_THAT(spec.teacher().model().widths(), ElementsAre(16, 32, 64));
  EXPECT_DOUBLE_EQ(spec.schedule().warmup_epochs(), 2.0);
}

TEST(LoadTest, VitPytorchsStudentsHaveATokenWhereTheJobDistils) {
  const std::string student = "model { name: 'distillable_vit' } ", teacher = "teacher { model { name: 'distillable_vit' } weights: 'w' } ";
  EXPECT_FALSE(Parse(student).model().distillation_token());
  const v1::JobSpec distils = Parse(student + teacher + "distillation { type: HARD }");
  EXPECT_TRUE(distils.model().distillation_token());
  EXPECT_FALSE(distils.teacher().model().distillation_token());
  const std::string plain = "model { name: 'distillable_vit' distillation_token: false } ";
  EXPECT_FALSE(Parse(plain + teacher + "distillation { type: HARD }").model().distillation_token());
}

TEST(LoadTest, TakesTheFormatsStatisticsPerChannel) {
  const v1::JobSpec folder = Parse(std::string(kTiny) + "data { format: IMAGE_FOLDER root: 'd' }");
  EXPECT_THAT(folder.data().mean(), ElementsAre(0.485f, 0.456f, 0.406f));
  EXPECT_THAT(folder.data().std(), ElementsAre(0.229f, 0.224f, 0.225f));
  EXPECT_EQ(folder.augment().crop(), v1::AugmentSpec::RESIZED);
  EXPECT_THAT(Parse(std::string(kTiny) + "data { mean: 0.25 }").data().mean(), ElementsAre(0.25f, 0.25f, 0.25f));
}

TEST(LoadTest, ATeacherIsNormalisedAsItsStudentUnlessItSays) {
  const std::string text = kWithTeacher + "distillation { type: HARD }";
  EXPECT_THAT(Parse(text).teacher().mean(), ElementsAre());
  EXPECT_THAT(Parse(text).teacher().std(), ElementsAre());
  const v1::JobSpec other = Parse(text, {"teacher.mean=0.25", "teacher.std=0.1,0.2,0.3", "teacher.model.img_size=160"});
  EXPECT_THAT(other.teacher().mean(), ElementsAre(0.25f, 0.25f, 0.25f));
  EXPECT_THAT(other.teacher().std(), ElementsAre(0.1f, 0.2f, 0.3f));
  EXPECT_EQ(other.model().img_size(), 224);
  EXPECT_EQ(other.teacher().model().img_size(), 160);
}

TEST(LoadTest, HardDistillationRecordsTheArgmax) {
  const v1::JobSpec spec = Parse(kWithTeacher + "distillation { type: HARD }");
  EXPECT_EQ(spec.teacher().record(), v1::TeacherSpec::ARGMAX);
}

TEST(LoadTest, AnUnusedTeacherLeavesNoTrace) {
  const v1::JobSpec spec = Parse(kWithTeacher, {"teacher.schedule=NONE"});
  EXPECT_EQ(SpecDigest(spec, {}), SpecDigest(Parse(R"(model { name: "deit_distilled" })"), {}));
}

TEST(LoadTest, PathsOfTheFileAreRelativeToItAndOverridesToTheWorkingFolder) {
  const std::string text = std::string(kTiny) + R"(data { format: IDX root: "../data" } run_dir: "out/" )";
  EXPECT_EQ(Parse(text).data().root(), "/jobs/data");
  EXPECT_EQ(Parse(text).run_dir(), "/jobs/a/out");
  EXPECT_EQ(Parse(text, {"data.root=data", "run_dir=/abs"}).data().root(), "/home/me/data");
  EXPECT_EQ(Parse(text, {"run_dir=/abs/./x"}).run_dir(), "/abs/x");
  EXPECT_EQ(Parse(text, {}, "rel/b.textproto").data().root(), "/home/me/data");
}

TEST(LoadTest, OverridesReplaceValuesOfEveryType) {
  const v1::JobSpec spec = Parse(std::string(kTiny) + "train { epochs: 9 drop_last: false }",
                                 {"train.epochs=2", "train.epochs=3", "train.drop_last=true", "optimizer.lr=1e-3", "train.precision=BF16",
                                  "model.name=deit", "data.mean=0.1,0.2,0.3", "train.seed=18446744073709551615", "name=12"});
  EXPECT_EQ(spec.train().epochs(), 3);
  EXPECT_TRUE(spec.train().drop_last());
  EXPECT_DOUBLE_EQ(spec.optimizer().lr(), 1e-3);
  EXPECT_EQ(spec.train().precision(), v1::BF16);
  EXPECT_EQ(spec.model().name(), "deit");
  EXPECT_THAT(spec.data().mean(), ElementsAre(0.1f, 0.2f, 0.3f));
  EXPECT_EQ(spec.train().seed(), 18446744073709551615u);
  EXPECT_EQ(spec.name(), "12");
}

TEST(LoadTest, AListOfTheCommandLineReplacesTheFilesList) {
  const std::string text = "model { name: 'convnet' widths: [8, 8] }";
  EXPECT_THAT(Parse(text).model().widths(), ElementsAre(8, 8));
  EXPECT_THAT(Parse(text, {"model.widths=1,2", "model.widths=3"}).model().widths(), ElementsAre(1, 2, 3));
  EXPECT_THAT(Parse(text, {"model.widths="}).model().widths(), ElementsAre(16, 32, 64));
}

TEST(LoadTest, AnEmptyOverrideUnsetsAFieldOrAGroup) {
  const std::string text = kWithTeacher + "distillation { type: HARD }";
  EXPECT_TRUE(Same(Parse(text, {"teacher=", "distillation.type="}), Parse("model { name: 'deit_distilled' }")));
}

TEST(LoadTest, AJobCanBeOverridesAlone) {
  const auto spec = LoadSpec("", {"model.name=vit"}, {.working_folder = "/w", .default_name = ""});
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  EXPECT_EQ(spec->run_dir(), "/w/runs/job");
}

TEST(LoadTest, JsonSaysTheSameAsTextproto) {
  const v1::JobSpec text = Parse(R"(model { name: "convnet" widths: [8, 16] } train { seed: 5 precision: BF16 drop_last: true }
                                    data { root: "x/y" })",
                                 {}, "/j/a.textproto");
  const v1::JobSpec json = Parse(R"({"model": {"name": "convnet", "widths": [8, 16]}, "name": null,
      "train": {"seed": "5", "precision": "BF16", "drop_last": true}, "data": {"root": "x\/y"}})",
                                 {}, "/j/a.json");
  EXPECT_TRUE(Same(text, json)) << SpecText(json);
}

TEST(LoadTest, AResolvedSpecLoadsToItself) {
  const v1::JobSpec spec = Parse(kWithTeacher + "distillation { type: HARD } data { mean: 0.1 } optimizer { lr: 0.30000000000000004 }",
                                 {"model.name=deit_tiny_distilled_patch16_224", "model.drop_path=0.1"});
  EXPECT_TRUE(Same(spec, Parse(SpecText(spec), {}, "/elsewhere/config.textproto")));
  EXPECT_TRUE(Same(spec, Parse(SpecJson(spec), {}, "/elsewhere/config.json")));
}

// timm's and apex's LAMB clip by themselves.
TEST(LoadTest, LambClipsUnlessToldOtherwise) {
  EXPECT_EQ(Parse("model { name: 'vit' } optimizer { opt: 'lamb' }").optimizer().clip_grad(), 1);
  EXPECT_EQ(Parse("model { name: 'vit' } optimizer { opt: 'lamb' clip_grad: 0 }").optimizer().clip_grad(), 0);
  EXPECT_EQ(Parse("model { name: 'vit' }").optimizer().clip_grad(), 0);
}

TEST(LoadTest, ReadsAFile) {
  testing::TempFolder folder;
  std::ofstream(folder / "job.textproto") << kTiny << " data { root: 'd' }";
  const auto spec = LoadSpec("job.textproto", {}, {.working_folder = folder.path(), .default_name = ""});
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  EXPECT_EQ(spec->name(), "job");
  EXPECT_EQ(spec->data().root(), folder / "d");
}

TEST(LoadTest, ReadsAPipeWhole) {
  testing::TempFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::jthread writer([&] { std::ofstream(folder / "pipe") << std::string(100'000, '\n') << kTiny; });
  const auto spec = LoadSpec(folder / "pipe", {});
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  EXPECT_EQ(spec->model().embed_dim(), Parse(kTiny).model().embed_dim());
}

TEST(LoadTest, SkipsAByteOrderMark) {
  const std::string mark = "\xef\xbb\xbf";
  EXPECT_EQ(SpecText(Parse(mark + kTiny)), SpecText(Parse(kTiny)));
  EXPECT_TRUE(ParseSpec(mark + R"({"model": {"name": "vit"}})", "job.json", {}).ok());
  EXPECT_FALSE(ParseSpec(mark + mark + kTiny, "", {}).ok()) << "one";
}

TEST(LoadTest, AFileThatCannotBeReadIsAMissingInput) {
  testing::TempFolder folder;
  for (const std::string& path : {folder / "none.textproto", folder.path()}) {
    const Status status = LoadSpec(path, {}).status();
    EXPECT_EQ(ExitCodeOf(status), ExitCode::kMissingInput) << path;
    EXPECT_THAT(std::string(status.message()), HasSubstr("job file: " + path));
  }
}

TEST(LoadTest, DamagedFilesEndInAMessage) {
  const std::string good = SpecText(Parse(kWithTeacher + "distillation { type: HARD }"));
  const std::string json = SpecJson(Parse(kWithTeacher + "distillation { type: HARD }"));
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    const bool is_json = i % 2 == 1;
    std::string text = is_json ? json : good;
    for (unsigned edits = 1 + random() % 4; edits > 0; --edits) {
      const size_t place = random() % text.size();
      if (random() % 3 == 0) text.erase(place, random() % 20);
      else if (random() % 2 == 0) text.insert(place, text.substr(random() % text.size(), random() % 20));
      else text[place] = static_cast<char>(random());
    }
    const auto spec = ParseSpec(text, is_json ? "a.json" : "a.textproto", {}, {.working_folder = "/w", .default_name = ""});
    if (spec.ok()) continue;
    EXPECT_THAT(std::string(spec.status().message()), HasSubstr(": error: "));
  }
}

TEST(LoadTest, AFileTooBigToBeAJobIsRefused) {
  testing::TempFolder folder;
  std::ofstream(folder / "job.textproto") << kTiny << std::string(100, ' ');
  const Status status = LoadSpec(folder / "job.textproto", {}, {.working_folder = "", .default_name = "", .max_bytes = 100}).status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kBadConfig) << status;
}

}  // namespace
}  // namespace deit::spec
