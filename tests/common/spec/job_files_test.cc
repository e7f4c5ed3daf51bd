// Every job in configs/ is valid, and what the quick start promises about its jobs holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/models/model_catalog.h"
#include "common/spec/load.h"
#include "common/spec/spec_digest.h"

namespace deit::spec {
namespace {

const std::string kConfigs = DEIT_CONFIGS;

v1::JobSpec Load(const std::string& name) {
  const auto spec = LoadSpec(kConfigs + "/" + name, {});
  EXPECT_TRUE(spec.ok()) << spec.status().message();
  return spec.ok() ? *spec : v1::JobSpec();
}

TEST(JobFilesTest, AllAreValid) {
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kConfigs)) {
    if (entry.path().extension() != ".textproto") continue;
    ++files;
    const auto spec = LoadSpec(entry.path().string(), {});
    EXPECT_TRUE(spec.ok()) << spec.status().message();
  }
  EXPECT_GE(files, 9);
}

TEST(JobFilesTest, TheQuickStartsTeacherIsWhatItsStudentExpects) {
  const v1::JobSpec teacher = Load("quickstart/teacher.textproto"), student = Load("quickstart/student.textproto");
  EXPECT_EQ(teacher.model().SerializeAsString(), student.teacher().model().SerializeAsString());
  EXPECT_EQ(student.teacher().weights(), kConfigs + "/quickstart/teacher.safetensors");
  EXPECT_EQ(models::ParameterCount(teacher.model()), 70330);
}

TEST(JobFilesTest, TheQuickStartsJobsKnowTheSameLabels) {
  const v1::DataSpec data = Load("quickstart/student.textproto").data();
  EXPECT_GT(data.labelled(), 0);
  for (const char* name : {"teacher", "student_alone"}) {
    EXPECT_EQ(Load(std::string("quickstart/") + name + ".textproto").data().SerializeAsString(), data.SerializeAsString()) << name;
  }
}

TEST(JobFilesTest, TheStudentAloneDiffersInTeacherAndDistillationOnly) {
  for (const FieldDifference& d : DiffSpecs(Load("quickstart/student.textproto"), Load("quickstart/student_alone.textproto"))) {
    if (d.path == "name" || d.path == "run_dir") continue;
    EXPECT_THAT(d.path, ::testing::AnyOf(::testing::StartsWith("teacher."), ::testing::StartsWith("distillation."))) << ToString(d);
  }
}

TEST(JobFilesTest, FineTuningAt384KeepsTheTeacherAt224) {
  const v1::JobSpec spec = Load("deit/deit_base_distilled_384.textproto"), before = Load("deit/deit_base_distilled.textproto");
  EXPECT_EQ(spec.model().img_size(), 384);
  EXPECT_EQ(spec.teacher().model().img_size(), 224);
  EXPECT_EQ(spec.teacher().SerializeAsString(), before.teacher().SerializeAsString());
  EXPECT_EQ(spec.distillation().type(), v1::DistillationSpec::HARD);
}

TEST(JobFilesTest, ThePapersJobsScaleTheLearningRateToTheirBatch) {
  for (const char* name : {"deit_tiny", "deit_small", "deit_base", "deit_tiny_distilled", "deit_small_distilled", "deit_base_distilled"}) {
    const v1::JobSpec spec = Load(std::string("deit/") + name + ".textproto");
    EXPECT_EQ(spec.model().name(), std::string(name) + "_patch16_224");
    EXPECT_EQ(spec.train().batch_size(), 1024);
    EXPECT_TRUE(spec.optimizer().scale_lr());
    EXPECT_EQ(spec.augment().repeated_aug(), 3);
  }
}

}  // namespace
}  // namespace deit::spec
