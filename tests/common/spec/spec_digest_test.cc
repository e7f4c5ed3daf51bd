#include "common/spec/spec_digest.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/digest.h"
#include "common/spec/load.h"

namespace deit::spec {
namespace {

using ::testing::ElementsAre;

const std::string kJob = R"(model { name: "deit_distilled" } teacher { model { name: "convnet" } weights: "w" } distillation { type: HARD }
                            train { epochs: 7 } data { seed: 3 })";

v1::JobSpec Parse(const std::vector<std::string>& overrides = {}) {
  const auto spec = ParseSpec(kJob, "/jobs/a.textproto", overrides, {.working_folder = "/w", .default_name = ""});
  EXPECT_TRUE(spec.ok()) << spec.status().message();
  return spec.ok() ? *spec : v1::JobSpec();
}

uint64_t Digest(const std::vector<std::string>& overrides) { return SpecDigest(Parse(overrides), {}); }

TEST(SpecDigestTest, IsTheHashOfTheLinesThatTheHeaderPromises) {
  v1::JobSpec spec;
  spec.set_name("x");
  spec.mutable_train()->set_epochs(7);
  spec.mutable_train()->set_batch_size(1024);  // the default
  spec.mutable_train()->set_precision(v1::BF16);
  spec.mutable_data()->set_root("/d");
  spec.mutable_data()->add_mean(0.1f);
  spec.mutable_optimizer()->set_opt("sgd");
  const std::string lines = "data.mean=[0.1]\noptimizer.opt=\"sgd\"\ntrain.epochs=7\ntrain.precision=BF16\ndata.root@=00000000000000ff\n";
  EXPECT_EQ(SpecDigest(spec, {{"data.root", 255}}), Digest64(lines.data(), lines.size()));
}

TEST(SpecDigestTest, ChangesWithEveryResultField) {
  const uint64_t digest = Digest({});
  for (const char* word : {"train.epochs=8",
                           "train.seed=1",
                           "data.seed=4",
                           "model.depth=11",
                           "teacher.model.widths=8",
                           "train.reduction=FASTEST",
                           "optimizer.lr=0.1",
                           "augment.hflip=0",
                           "train.lanes=4",
                           "teacher.record=DENSE_FP16",
                           "train.non_finite=SKIP",
                           "teacher.precision=BF16",
                           "ema.decay=0.9",
                           "data.mean=0.4",
                           "data.max_images=5",
                           "data.labelled=5",
                           "data.input_key=png",
                           "data.target_key=txt",
                           "augment.spread_repeats=true",
                           "train.drop_last=true",
                           "distillation.reduction=BATCHMEAN",
                           "distillation.labels=false",
                           "teacher.mean=0.5",
                           "teacher.std=0.5",
                           "teacher.model.img_size=160"}) {
    EXPECT_NE(Digest({word}), digest) << word;
  }
}

TEST(SpecDigestTest, IgnoresExecutionAndPaths) {
  const uint64_t digest = Digest({});
  for (const char* word : {"name=x", "run_dir=y", "threads_per_worker=2", "log_interval=1", "data.threads=3", "data.on_missing=SKIP",
                           "evaluate.interpolation=BOX", "checkpoint.every_steps=5", "checkpoint.keep=9", "fault.stall_timeout=3",
                           "fault.max_restarts=7", "evaluate.every_epochs=2", "evaluate.batch_size=5", "train.max_steps=4",
                           "teacher.schedule=INLINE", "teacher.store=s", "teacher.weights=other", "model.init_from=i", "data.root=r"}) {
    EXPECT_EQ(Digest({word}), digest) << word;
  }
}

TEST(SpecDigestTest, WrittenOutDefaultsAreNoDifference) {
  EXPECT_EQ(Digest({"optimizer.weight_decay=0.05", "model.mlp_ratio=4", "train.precision=FP32"}), Digest({}));
}

TEST(SpecDigestTest, CoversWhatPathsHold) {
  const v1::JobSpec spec = Parse();
  const uint64_t digest = SpecDigest(spec, {{"teacher.weights", 1}, {"data.root", 2}});
  EXPECT_NE(digest, SpecDigest(spec, {{"teacher.weights", 9}, {"data.root", 2}}));
  EXPECT_NE(digest, SpecDigest(spec, {{"teacher.weights", 1}, {"data.root", 9}}));
  EXPECT_NE(digest, SpecDigest(spec, {{"teacher.weights", 2}, {"data.root", 1}}));
  EXPECT_EQ(digest, SpecDigest(Parse({"teacher.weights=elsewhere"}), {{"teacher.weights", 1}, {"data.root", 2}}));
}

// The schema of a job spec as one file.
google::protobuf::FileDescriptorProto WholeSchema() {
  google::protobuf::FileDescriptorProto file, images;
  v1::JobSpec::descriptor()->file()->CopyTo(&file);
  v1::DataSpec::descriptor()->file()->CopyTo(&images);
  file.mutable_message_type()->MergeFrom(images.message_type());
  auto* const imports = file.mutable_dependency();
  imports->erase(std::remove(imports->begin(), imports->end(), images.name()), imports->end());
  return file;
}

// The schema as a later version may have it: `change` edits it, then kJob's resolved spec is read with it.
template <typename Change>
uint64_t DigestWithSchema(Change change, const std::string& more = "") {
  google::protobuf::FileDescriptorProto file = WholeSchema();
  change(&file);
  google::protobuf::DescriptorPool pool(google::protobuf::DescriptorPool::generated_pool());
  file.set_name("later.proto");
  file.set_package("later.v1");
  for (auto& message : *file.mutable_message_type()) {
    for (auto& field : *message.mutable_field()) {
      if (field.type_name().rfind(".deit.v1.", 0) == 0) field.set_type_name(".later.v1." + field.type_name().substr(9));
    }
  }
  const auto* built = pool.BuildFile(file);
  EXPECT_NE(built, nullptr);
  if (built == nullptr) return 0;
  google::protobuf::DynamicMessageFactory factory;
  const std::unique_ptr<google::protobuf::Message> spec(factory.GetPrototype(built->FindMessageTypeByName("JobSpec"))->New());
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(SpecText(Parse()), spec.get()));
  EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(more, spec.get()));
  return SpecDigest(*spec, {});
}

google::protobuf::DescriptorProto* Message(google::protobuf::FileDescriptorProto* file, const std::string& name) {
  for (auto& message : *file->mutable_message_type()) {
    if (message.name() == name) return &message;
  }
  ADD_FAILURE() << name;
  return nullptr;
}

void AddField(google::protobuf::FileDescriptorProto* file, v1::Effect effect) {
  auto* field = Message(file, "TrainSpec")->add_field();
  field->set_name("accumulate");
  field->set_number(999);
  field->set_label(google::protobuf::FieldDescriptorProto::LABEL_OPTIONAL);
  field->set_type(google::protobuf::FieldDescriptorProto::TYPE_INT32);
  field->set_default_value("3");
  field->mutable_options()->SetExtension(v1::effect, effect);
}

TEST(SpecDigestTest, ANewFieldLeavesOldDigestsAlone) {
  EXPECT_EQ(DigestWithSchema([](auto*) {}), Digest({}));
  const auto add_result = [](auto* file) { AddField(file, v1::RESULT); };
  const auto add_execution = [](auto* file) { AddField(file, v1::EXECUTION); };
  EXPECT_EQ(DigestWithSchema(add_result), Digest({}));
  EXPECT_EQ(DigestWithSchema(add_result, "train { accumulate: 3 }"), Digest({}));
  EXPECT_NE(DigestWithSchema(add_result, "train { accumulate: 4 }"), Digest({}));
  EXPECT_EQ(DigestWithSchema(add_execution, "train { accumulate: 4 }"), Digest({}));
}

TEST(SpecDigestTest, DoesNotDependOnTheSchemasOrder) {
  const auto reverse = [](auto* file) {
    auto* fields = Message(file, "TrainSpec")->mutable_field();
    std::reverse(fields->begin(), fields->end());
  };
  EXPECT_EQ(DigestWithSchema(reverse), Digest({}));
}

TEST(SpecDigestTest, AGroupsExecutionHoldsForAllBeneath) {
  const auto whole_train = [](auto* file) {
    for (auto& field : *Message(file, "JobSpec")->mutable_field()) {
      if (field.name() == "train") field.mutable_options()->SetExtension(v1::effect, v1::EXECUTION);
    }
  };
  EXPECT_EQ(DigestWithSchema(whole_train, "train { smoothing: 0.2 }"), DigestWithSchema(whole_train));
  EXPECT_NE(DigestWithSchema(whole_train), Digest({}));  // train.epochs no longer counts
}

TEST(DiffSpecsTest, NamesResultFieldsFirstWithBothValues) {
  std::vector<std::string> lines;
  const v1::JobSpec after = Parse({"train.epochs=9", "log_interval=2", "data.root=d", "data.mean=0.5,0.5,0.25", "ema.decay=0.5"});
  for (const auto& d : DiffSpecs(Parse(), after, {{"data.root", 1}, {"teacher.weights", 4}}, {{"data.root", 2}, {"teacher.weights", 4}})) {
    lines.push_back(ToString(d));
  }
  EXPECT_THAT(lines,
              ElementsAre("data.mean: [0.5, 0.5, 0.5] -> [0.5, 0.5, 0.25]", "ema.decay: 0 -> 0.5", "schedule.warmup_epochs: 0.7 -> 0.9",
                          "train.epochs: 7 -> 9", "content of data.root: 0000000000000001 -> 0000000000000002",
                          "data.root: unset -> \"/w/d\"", "log_interval: 50 -> 2"));
}

TEST(DiffSpecsTest, EqualSpecsHaveNone) { EXPECT_TRUE(DiffSpecs(Parse(), Parse(), {{"data.root", 1}}, {}).empty()); }

}  // namespace
}  // namespace deit::spec
