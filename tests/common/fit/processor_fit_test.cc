#include "common/fit/processor_fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::fit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string Unset(const char*) { return ""; }
std::string HeldToAvx2(const char* name) { return std::string(name) == "ATEN_CPU_CAPABILITY" ? "avx2" : ""; }

machine::Processor Zen4() {
  machine::Processor processor;
  processor.flags = {"fma", "avx512f", "avx512vl", "avx512bw", "avx512dq", "avx512_bf16"};
  return processor;
}

v1::JobSpec JobOf(v1::Precision student, v1::Precision teacher) {
  v1::JobSpec job;
  job.mutable_train()->set_precision(student);
  job.mutable_teacher()->set_precision(teacher);
  job.mutable_distillation()->set_type(v1::DistillationSpec::HARD);
  return job;
}

TEST(ProcessorFitTest, Bfloat16WithoutInstructionsIsSaidOfEachField) {
  EXPECT_THAT(ProcessorWarnings(JobOf(v1::BF16, v1::FP32), {}, Unset), ElementsAre(StartsWith("train.precision: BF16: ")));
  EXPECT_THAT(ProcessorWarnings(JobOf(v1::FP32, v1::BF16), {}, Unset), ElementsAre(StartsWith("teacher.precision: BF16: ")));
  EXPECT_THAT(ProcessorWarnings(JobOf(v1::BF16, v1::BF16), Zen4(), HeldToAvx2), ::testing::SizeIs(2));
}

TEST(ProcessorFitTest, NothingIsSaidWhereNothingIsSlow) {
  EXPECT_THAT(ProcessorWarnings(JobOf(v1::FP32, v1::FP32), {}, Unset), IsEmpty());
  EXPECT_THAT(ProcessorWarnings(JobOf(v1::BF16, v1::BF16), Zen4(), Unset), IsEmpty());
  v1::JobSpec alone = JobOf(v1::FP32, v1::BF16);
  alone.mutable_distillation()->set_type(v1::DistillationSpec::NONE);
  EXPECT_THAT(ProcessorWarnings(alone, {}, Unset), IsEmpty());
}

}  // namespace
}  // namespace deit::fit
