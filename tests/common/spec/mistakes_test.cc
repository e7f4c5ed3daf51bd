// The golden texts of every message about a job.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/exit_code.h"
#include "common/base/status.h"
#include "common/spec/load.h"

namespace deit::spec {
namespace {

using Words = std::vector<std::string>;

std::string MistakesOf(const std::string& text, const Words& overrides = {}, const std::string& path = "job.textproto") {
  const Status status = ParseSpec(text, path, overrides, {.working_folder = "/w", .default_name = ""}).status();
  if (status.ok()) return "none";
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kBadConfig);
  EXPECT_TRUE(IsPreformatted(status));
  return std::string(status.message());
}

// Mistakes of a job that is right but for these overrides.
std::string Override(const Words& words) { return MistakesOf("model { name: 'deit_distilled' }", words); }

const std::string kTeacher =
    R"(model { name: "deit_distilled" } teacher { model { name: "convnet" } weights: "w" } distillation { type: HARD })";
std::string WithTeacher(const Words& words) { return MistakesOf(kTeacher, words); }

TEST(MistakesTest, AnEmptyFileSaysWhatAJobNeeds) {
  EXPECT_EQ(MistakesOf(""), "job.textproto: error: model.name: not set: want a model's name, such as \"deit_tiny_patch16_224\"");
  EXPECT_EQ(MistakesOf("# nothing\n", {}, ""),
            "command line: error: model.name: not set: want a model's name, such as \"deit_tiny_patch16_224\"");
}

TEST(MistakesTest, AllComeAtOnceInTheFilesOrder) {
  EXPECT_EQ(MistakesOf(R"(model { nam: "deit_tiny" name: "deit" img_size: 30 }
train {
  epochs: "two"
  batch_size: 100
  seed: -1
}
epochs: 3
optimizer { lr: nan opt: "lars" eps: 0 }
distillation { type: HARDER alpha: 2 }
device: CUDA
data { format: IDX mean: [0.1, 7] }
teacher { schedule: AHEAD model { name: "convnt" } }
)",
                       {"train.lanse=3", "schedule.warmup_epochs=999", "foo"}),
            R"(job.textproto:1:7: error: model.patch_size: 16: does not divide img_size 30, set it to 15 or 30
job.textproto:1:9: error: model.nam: unknown field, did you mean "model.name"
job.textproto:3:11: error: train.epochs: "two": want a whole number
job.textproto:4:15: error: train.batch_size: 100: not divisible by train.lanes 8: set it to 96 or 104, or train.lanes to 4
job.textproto:5:9: error: train.seed: -1: out of range: want 0 to 18446744073709551615
job.textproto:7:1: error: epochs: unknown field, did you mean "train.epochs"
job.textproto:8:17: error: optimizer.lr: nan: want a finite number
job.textproto:8:26: error: optimizer.opt: "lars": not in this version: want adamw, lamb, sgd or momentum
job.textproto:8:38: error: optimizer.eps: 0: out of range: want more than 0 and at most 1
job.textproto:9:22: error: distillation.type: HARDER: want one of NONE, SOFT, HARD, did you mean "HARD"
job.textproto:9:36: error: distillation.alpha: 2: out of range: want 0 to 1
job.textproto:10:9: error: device: CUDA: not in this version: want CPU until the CUDA plug-in exists
job.textproto:11:6: error: data.root: not set: IDX needs the folder of the four *-ubyte[.gz] files
job.textproto:11:32: error: data.mean: 7: out of range: want 0 to 1
job.textproto:12:9: error: teacher.weights: not set: want the teacher's safetensors file or checkpoint folder
job.textproto:12:21: error: teacher.schedule: AHEAD: not in this version: want INLINE or AUTO
job.textproto:12:41: error: teacher.model.name: "convnt": unknown model, did you mean "convnet"
command line: error: train.lanse: unknown field, did you mean "train.lanes"
command line: error: foo: want path=value, such as train.epochs=2
command line: error: schedule.warmup_epochs: 999: more than train.epochs 300)");
}

TEST(MistakesTest, AFieldSetTwice) {
  EXPECT_EQ(MistakesOf("model { name: 'vit'\n name: 'deit' }"), "job.textproto:2:2: error: model.name: set twice, first at 1:9");
  EXPECT_EQ(MistakesOf("model { name: 'vit' } train { epochs: 1 } train { }"),
            "job.textproto:1:43: error: train: set twice, first at 1:23");
}

TEST(MistakesTest, OfSyntaxNameTheFirstOnly) {
  EXPECT_EQ(MistakesOf("model { name: \"vit\"\n train {"),
            "job.textproto:2:9: error: syntax: want a field name or \"}\", not the end of the file");
  EXPECT_EQ(MistakesOf("model { name }"), "job.textproto:1:14: error: syntax: want \":\" or \"{\", not \"}\"");
  EXPECT_EQ(MistakesOf("name: \"abc\nmodel {}"), "job.textproto:1:11: error: syntax: String literals cannot cross line boundaries.");
  EXPECT_EQ(MistakesOf("name: ]"), "job.textproto:1:7: error: syntax: want a value, not \"]\"");
  EXPECT_EQ(MistakesOf("\xff"), "job.textproto:1:1: error: syntax: Interpreting non ascii codepoint 255.");
  EXPECT_THAT(MistakesOf(std::string(1000, '\0')), ::testing::StartsWith("job.textproto:1:1: error: syntax: "));
}

TEST(MistakesTest, OfJsonSyntax) {
  const auto json = [](const std::string& text) { return MistakesOf(text, {}, "a.json"); };
  EXPECT_EQ(json(R"({"model": {"name": "vit"},})"), "a.json:1:27: error: syntax: want a field after \",\", not \"}\"");
  EXPECT_EQ(json(R"({"model": {"name": "vit"} "name": "a"})"), "a.json:1:27: error: syntax: want \",\" or \"}\", not \"\"name\"\"");
  EXPECT_EQ(json("model { }"), "a.json:1:1: error: syntax: want \"{\", not \"model\"");
  EXPECT_EQ(json("{name: 1}"), "a.json:1:2: error: syntax: want a field name in quotes or \"}\", not \"name\"");
  EXPECT_EQ(json("{} x"), "a.json:1:4: error: syntax: want the end of the file, not \"x\"");
  EXPECT_EQ(json(""), "a.json:1:1: error: syntax: want \"{\", not the end of the file");
}

TEST(MistakesTest, GroupsAndListsMayNotBeEndless) {
  std::string groups, lists = "name: ";
  for (int i = 0; i < 100000; ++i) groups += "a{";
  for (int i = 0; i < 100000; ++i) lists += "[";
  EXPECT_THAT(MistakesOf(groups), ::testing::HasSubstr("groups are too deep"));
  EXPECT_THAT(MistakesOf(lists), ::testing::HasSubstr("lists are too deep"));
}

TEST(MistakesTest, OfTypes) {
  EXPECT_EQ(MistakesOf("model { name: 'vit' } train: 5"), "job.textproto:1:30: error: train: 5: want a group of fields in braces");
  EXPECT_EQ(MistakesOf("model { name: 'vit' } name: vit"), "job.textproto:1:29: error: name: vit: want a text in quotes");
  EXPECT_EQ(MistakesOf("model { name: 'vit' } train { epochs { } }"),
            "job.textproto:1:38: error: train.epochs: {...}: want a whole number");
  EXPECT_EQ(MistakesOf("model { name: 'vit' } train { epochs: [1] }"),
            "job.textproto:1:39: error: train.epochs: want one value, not a list");
  EXPECT_EQ(Override({"train.drop_last=yes"}), "command line: error: train.drop_last: yes: want true or false");
  EXPECT_EQ(Override({"train.epochs=1.5"}), "command line: error: train.epochs: 1.5: want a whole number");
  EXPECT_EQ(Override({"train.epochs=99999999999999999999"}),
            "command line: error: train.epochs: 99999999999999999999: out of range: want 1 to 1000000");
  EXPECT_EQ(Override({"train.epochs=0"}), "command line: error: train.epochs: 0: out of range: want 1 to 1000000");
  EXPECT_EQ(Override({"optimizer.lr=inf"}), "command line: error: optimizer.lr: inf: want a finite number");
  EXPECT_EQ(Override({"optimizer.lr=1e999"}), "command line: error: optimizer.lr: 1e999: want a finite number");
  EXPECT_EQ(Override({"optimizer.lr=fast"}), "command line: error: optimizer.lr: fast: want a number");
  EXPECT_EQ(Override({"log_interval=0"}), "command line: error: log_interval: 0: out of range: want 1 to 2147483647");
  EXPECT_EQ(Override({"distillation.type=HRAD"}),
            "command line: error: distillation.type: HRAD: want one of NONE, SOFT, HARD, did you mean \"HARD\"");
  EXPECT_EQ(Override({"distillation.type=2"}), "command line: error: distillation.type: 2: want one of NONE, SOFT, HARD");
}

TEST(MistakesTest, OfPathsThatAShellWouldExpand) {
  EXPECT_EQ(Override({"data.root=~/x"}),
            "command line: error: data.root: ~/x: \"~\" is not expanded here: want a whole path, or ./~ for a folder of that name");
  EXPECT_EQ(Override({"run_dir=~"}),
            "command line: error: run_dir: ~: \"~\" is not expanded here: want a whole path, or ./~ for a folder of that name");
  EXPECT_EQ(Override({"run_dir=./~"}), "none");
}

TEST(MistakesTest, OfOverridesPaths) {
  EXPECT_EQ(Override({"epoch=2"}), "command line: error: epoch: unknown field, did you mean \"train.epochs\"");
  EXPECT_EQ(Override({"train.epocs=2"}), "command line: error: train.epocs: unknown field, did you mean \"train.epochs\"");
  EXPECT_EQ(Override({"trian.epochs=2"}), "command line: error: trian.epochs: unknown field, did you mean \"train\"");
  EXPECT_EQ(Override({"zzzzzzzzzzzzz=2"}), "command line: error: zzzzzzzzzzzzz: unknown field");
  EXPECT_EQ(Override({"train.epochs.x=2"}),
            "command line: error: train.epochs.x: unknown field: \"train.epochs\" has no fields beneath it");
  EXPECT_EQ(Override({"train=2"}), "command line: error: train: 2: a group of fields: set its fields one by one, or nothing to unset it");
  EXPECT_EQ(Override({"=2"}), "command line: error: =2: want path=value, such as train.epochs=2");
  EXPECT_EQ(Override({"train."}), "command line: error: train.: want path=value, such as train.epochs=2");
  EXPECT_EQ(Override({"a/job.textproto"}), "command line: error: a/job.textproto: want --config=a/job.textproto");
}

TEST(MistakesTest, OfModels) {
  EXPECT_EQ(Override({"model.name=deit_tiny_patch16_22"}),
            "command line: error: model.name: \"deit_tiny_patch16_22\": unknown model, did you mean \"deit_tiny_patch16_224\"");
  EXPECT_EQ(Override({"model.name=regnety_16"}),
            "command line: error: model.name: \"regnety_16\": unknown model, did you mean \"regnety_160\"");
  const auto t2t = [](const Words& words) {
    Words all = {"model.name=distillable_t2t_vit"};
    all.insert(all.end(), words.begin(), words.end());
    return Override(all);
  };
  EXPECT_EQ(Override({"model.name=distillable_vti"}),
            "command line: error: model.name: \"distillable_vti\": unknown model, did you mean \"distillable_vit\"");
  EXPECT_EQ(t2t({"model.patch_size=8"}), "command line: error: model.patch_size: distillable_t2t_vit has no such field");
  EXPECT_EQ(t2t({"model.t2t_kernels=7,3"}),
            "job.textproto:1:7: error: model.t2t_strides: 3 values: want one for each of the 2 t2t_kernels");
  EXPECT_EQ(t2t({"model.img_size=2"}), "job.textproto:1:7: error: model.t2t_kernels: 7: larger than the 6 padded pixels that layer 0 sees");
  EXPECT_EQ(t2t({"model.t2t_kernels=64,64", "model.t2t_strides=1,1"}),
            "command line: error: model.t2t_kernels: tokens of 50331648 values after layer 1: want at most 1048576");
  EXPECT_EQ(t2t({"model.t2t_kernels=1,1,1,1,1,1,1,1,1"}), "command line: error: model.t2t_kernels: 9 layers: want at most 8");
  EXPECT_EQ(t2t({"model.mlp_ratio=0.001"}), "command line: error: model.mlp_ratio: 0.001: leaves no hidden unit at embed_dim 512");
  EXPECT_EQ(t2t({"model.distillation_token=true"}),
            "command line: error: model.distillation_token: true: nothing trains it without a teacher: want false, or leave it unset");
  EXPECT_EQ(Override({"model.name=distillable_efficient_vit", "model.mlp_ratio=2"}),
            "command line: error: model.mlp_ratio: 2: a NYSTROMFORMER's is 4: set transformer to PLAIN");
  EXPECT_EQ(Override({"model.name=swin"}),
            "command line: error: model.name: \"swin\": unknown model: deit-worker --task=models lists what there is");
  EXPECT_EQ(Override({"model.num_heads=5"}), "command line: error: model.num_heads: 5: does not divide embed_dim 192, set it to 4 or 6");
  EXPECT_EQ(Override({"model.patch_size=500"}), "command line: error: model.patch_size: 500: does not divide img_size 224, set it to 224");
  EXPECT_EQ(Override({"model.widths=3"}), "command line: error: model.widths: deit_distilled has no such field");
  EXPECT_EQ(Override({"model.name=convnet", "model.depth=3"}), "command line: error: model.depth: convnet has no such field");
  EXPECT_EQ(Override({"model.name=resnet18", "model.group_width=3"}), "command line: error: model.group_width: resnet18 has no such field");
  EXPECT_EQ(Override({"model.name=resnet18", "model.depths=1,2"}),
            "command line: error: model.depths: 2 values: want one for each of the 4 widths");
  EXPECT_EQ(Override({"model.name=regnety", "model.group_width=16"}),
            "command line: error: model.group_width: 16: does not divide the width 24");
  EXPECT_EQ(Override({"model.name=regnety", "model.group_width=1", "model.widths=8,8,2,8"}),
            "command line: error: model.widths: 2: want at least 3, a quarter of it is squeezed into");
  EXPECT_EQ(Override({"model.name=resnet50", "model.depths=1024,1,1,1"}),
            "command line: error: model.depths: 1027 blocks in all: want at most 1024");
  EXPECT_EQ(Override({"model.name=efficientnet", "model.width_mult=0"}),
            "command line: error: model.width_mult: 0: out of range: want more than 0 and at most 16");
}

TEST(MistakesTest, OfBatchNorm) {
  EXPECT_EQ(Override({"model.name=resnet18", "model.img_size=32", "train.batch_size=8"}),
            "command line: error: train.batch_size: 8: each of 8 lanes has one image, of which resnet18 leaves one pixel at img_size 32: "
            "batch norm needs two: set it to 16");
  EXPECT_EQ(Override({"model.name=resnet18", "model.img_size=32", "train.batch_size=16"}), "none");
  EXPECT_EQ(Override({"model.name=resnet18", "model.img_size=33", "train.batch_size=8"}), "none");
  EXPECT_EQ(Override({"model.img_size=16", "train.batch_size=8"}), "none");
}

TEST(MistakesTest, OfLanes) {
  EXPECT_EQ(Override({"train.lanes=6"}), "command line: error: train.lanes: 6: want a power of two, such as 4 or 8");
  EXPECT_EQ(Override({"train.batch_size=6"}),
            "command line: error: train.batch_size: 6: not divisible by train.lanes 8: set it to 8, or train.lanes to 2");
  EXPECT_EQ(Override({"train.batch_size=1000", "train.lanes=64"}),
            "command line: error: train.batch_size: 1000: not divisible by train.lanes 64: set it to 960 or 1024, or train.lanes to 8");
  EXPECT_EQ(Override({"train.batch_size=1", "train.lanes=1"}), "none");
}

TEST(MistakesTest, OfDistillation) {
  EXPECT_EQ(Override({"distillation.type=HARD"}),
            "command line: error: distillation.type: HARD: needs a teacher: set teacher.model.name and teacher.weights, or the type to "
            "NONE");
  EXPECT_EQ(WithTeacher({"distillation.type=NONE"}),
            "command line: error: distillation.type: NONE: but the job has a teacher: set it to HARD or SOFT, or teacher.schedule to "
            "NONE to train without");
  EXPECT_EQ(WithTeacher({"distillation.type=NONE", "teacher.schedule=NONE"}), "none");
  EXPECT_EQ(WithTeacher({"model.name=deit"}), "none");
  EXPECT_EQ(WithTeacher({"model.name=resnet18"}), "none");
  EXPECT_EQ(WithTeacher({"distillation.type=SOFT", "teacher.record=ARGMAX"}),
            "command line: error: teacher.record: ARGMAX: SOFT distillation needs probabilities: want TOPK, DENSE_FP16 or DENSE_FP32");
  for (const char* record : {"TOPK", "DENSE_FP16", "DENSE_FP32"}) {
    EXPECT_EQ(WithTeacher({"distillation.type=SOFT", std::string("teacher.record=") + record}), "none");
    EXPECT_EQ(WithTeacher({std::string("teacher.record=") + record}), "none");
  }
}

TEST(MistakesTest, OfDistillationWithoutLabels) {
  EXPECT_EQ(WithTeacher({"distillation.labels=false"}), "none");
  EXPECT_EQ(WithTeacher({"distillation.labels=false", "distillation.type=SOFT", "distillation.reduction=BATCHMEAN"}), "none");
  EXPECT_EQ(Override({"distillation.labels=false"}),
            "command line: error: distillation.labels: false: without a teacher there is nothing else to learn from: want true");
  EXPECT_EQ(
      WithTeacher({"distillation.labels=false", "distillation.alpha=0.7"}),
      "command line: error: distillation.alpha: 0.7: weighs the teacher against labels, which distillation.labels leaves out: leave it "
      "unset");
  EXPECT_EQ(WithTeacher({"distillation.labels=false", "data.labelled=5"}),
            "command line: error: data.labelled: 5: distillation.labels leaves out all of them: leave it unset");
  EXPECT_EQ(WithTeacher({"distillation.reduction=MEAN"}),
            "command line: error: distillation.reduction: MEAN: want one of NUMEL, BATCHMEAN");
}

TEST(MistakesTest, OfTeachers) {
  EXPECT_EQ(WithTeacher({"teacher.schedule=CACHED"}),
            "command line: error: teacher.schedule: CACHED: not in this version: want INLINE or AUTO");
  EXPECT_EQ(WithTeacher({"teacher.weights="}),
            "command line: error: teacher.weights: not set: want the teacher's safetensors file or checkpoint folder");
  EXPECT_EQ(WithTeacher({"teacher.model.name="}),
            "command line: error: teacher.model.name: not set: want a model's name, such as \"deit_tiny_patch16_224\"");
  EXPECT_EQ(WithTeacher({"teacher.topk=1001"}), "command line: error: teacher.topk: 1001: more than model.num_classes 1000");
  EXPECT_EQ(WithTeacher({"teacher.model.num_classes=10"}),
            "command line: error: teacher.model.num_classes: 10: differs from model.num_classes 1000: want the same, or leave it unset");
  EXPECT_EQ(WithTeacher({"teacher.model.img_size=160", "teacher.mean=0.5", "teacher.std=0.1,0.2,0.3"}), "none");
  EXPECT_EQ(WithTeacher({"teacher.model.in_chans=1"}),
            "command line: error: teacher.model.in_chans: 1: differs from model.in_chans 3: want the same, or leave it unset");
  EXPECT_EQ(WithTeacher({"teacher.mean=0.5,0.5", "teacher.std=0"}),
            "command line: error: teacher.std: 0: out of range: want 1e-04 to 100\n"
            "command line: error: teacher.mean: 2 values: want 1, or one for each of model.in_chans 3");
  EXPECT_EQ(WithTeacher({"teacher.model.adapt=POSITIONS"}), "none");
  EXPECT_EQ(
      WithTeacher({"teacher.model.adapt=HEAD"}),
      "command line: error: teacher.model.adapt: HEAD: the teacher is frozen: only POSITIONS can be adapted, not HEAD or DISTILLATION");
  EXPECT_EQ(WithTeacher({"teacher.model.init_from=x"}),
            "command line: error: teacher.model.init_from: a teacher is not trained: want its file in teacher.weights");
}

TEST(MistakesTest, OfDataAndAugmentation) {
  EXPECT_EQ(Override({"data.format=IDX"}), "job.textproto: error: data.root: not set: IDX needs the folder of the four *-ubyte[.gz] files");
  EXPECT_EQ(Override({"model.in_chans=2"}), "command line: error: model.in_chans: 2: pictures have 1 channel (gray) or 3 (RGB)");
  EXPECT_EQ(Override({"data.std=1e-30"}), "command line: error: data.std: 1e-30: out of range: want 1e-04 to 100");
  EXPECT_EQ(Override({"evaluate.crop_ratio=1e-9"}), "command line: error: evaluate.crop_ratio: 1e-9: out of range: want 0.1 to 1");
  EXPECT_EQ(
      Override({"evaluate.interpolation=RANDOM"}),
      "command line: error: evaluate.interpolation: RANDOM: an evaluation is the same each time: want BILINEAR, BICUBIC, BOX or LANCZOS");
  EXPECT_EQ(Override({"data.input_key=jpg;.png"}),
            "command line: error: data.input_key: \"jpg;.png\": want what follows the first dot of a name, such as \"jpg;png\"");
  for (const char* key : {"json:", "json:a..b", ":a", ".cls", "a b", "cls;txt"}) {
    EXPECT_EQ(Override({absl::StrCat("data.target_key=", key)}),
              absl::StrCat("command line: error: data.target_key: \"", key, "\": want \"cls\", \"txt\" or \"json:FIELD\""));
  }
  EXPECT_EQ(Override({"data.target_key=json:a.b", "data.input_key=JPG;seg.png"}), "none");
  EXPECT_EQ(Override({"data.mean=0.5,0.5"}), "command line: error: data.mean: 2 values: want 1, or one for each of model.in_chans 3");
  EXPECT_EQ(Override({"data.std=0"}), "command line: error: data.std: 0: out of range: want 1e-04 to 100");
  EXPECT_EQ(Override({"data.labelled=-1"}), "command line: error: data.labelled: -1: out of range: want 0 to 2147483647");
  EXPECT_EQ(Override({"data.labelled=6", "data.max_images=5"}), "command line: error: data.labelled: 6: more than data.max_images 5");
  EXPECT_EQ(Override({"data.labelled=5", "data.max_images=5"}), "none");
  EXPECT_EQ(Override({"data.labelled=5", "data.on_bad_image=REPLACE"}),
            "command line: error: data.on_bad_image: REPLACE: would show labels that data.labelled hides: want FAIL");
  EXPECT_EQ(Override({"augment.scale_min=0.9", "augment.scale_max=0.5"}),
            "command line: error: augment.scale_min: 0.9: more than augment.scale_max 0.5");
  EXPECT_EQ(Override({"augment.ratio_min=2"}), "command line: error: augment.ratio_min: 2: more than augment.ratio_max 1.3333333333333333");
  EXPECT_EQ(Override({"augment.aa=rand-m9-mstd0.5-inc1", "augment.interpolation=RANDOM"}), "none");
  EXPECT_EQ(Override({"augment.aa=rand-m9.5"}), "command line: error: augment.aa: \"m9.5\": want a whole number from 0 to 100");
  EXPECT_EQ(Override({"augment.aa=rand", "augment.interpolation=LANCZOS"}),
            "command line: error: augment.interpolation: LANCZOS: augment.aa rotates and shears: want BICUBIC, BILINEAR or RANDOM");
}

TEST(MistakesTest, OfMixing) {
  EXPECT_EQ(Override({"augment.mixup=0.8", "augment.cutmix=1"}), "none");
  EXPECT_EQ(Override({"augment.cutmix=1", "train.batch_size=24"}),
            "command line: error: augment.cutmix: views mix in pairs inside a micro-batch, which has 3 (train.batch_size / train.lanes): "
            "want an even number");
  EXPECT_EQ(Override({"augment.cutmix_minmax=0.2"}), "command line: error: augment.cutmix_minmax: 1 values: want two, such as [0.2, 0.8]");
  EXPECT_EQ(Override({"augment.cutmix_minmax=0.9,0.2"}), "command line: error: augment.cutmix_minmax: 0.9: more than its second value 0.2");
}

TEST(MistakesTest, OfTheRest) {
  EXPECT_EQ(Override({"device=CUDA"}), "command line: error: device: CUDA: not in this version: want CPU until the CUDA plug-in exists");
  EXPECT_EQ(Override({"train.bce_loss=true"}),
            "job.textproto: error: train.smoothing: 0.1: train.bce_loss asks of each class yes or no, nothing in between: want 0");
  EXPECT_EQ(Override({"train.bce_loss=true", "train.smoothing=0"}), "none");
  EXPECT_EQ(MistakesOf("model { name: 'resnet18' }", {"model.proj_drop_rate=0.1"}),
            "command line: error: model.proj_drop_rate: resnet18 has no such field");
  EXPECT_EQ(Override({"schedule.sched=step"}), "command line: error: schedule.sched: \"step\": not in this version: want \"cosine\"");
  EXPECT_EQ(Override({"schedule.warmup_epochs=5", "train.epochs=2"}),
            "command line: error: schedule.warmup_epochs: 5: more than train.epochs 2");
  EXPECT_EQ(Override({"train.epochs=2"}), "none");
  EXPECT_EQ(Override({"name=a/b"}), "command line: error: name: want a name that can be a folder's: without \"/\" and control characters");
}

}  // namespace
}  // namespace deit::spec
