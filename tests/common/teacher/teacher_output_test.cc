#include "common/teacher/teacher_output.h"

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/teacher/half.h"
#include "proto/spec.pb.h"

namespace deit::teacher {
namespace {

TEST(HalfTest, RoundTripsEveryHalf) {
  for (uint32_t half = 0; half < 65536; ++half) {
    const float value = FloatFromHalf(static_cast<uint16_t>(half));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(FloatFromHalf(HalfFromFloat(value)))) << half;
    } else {
      EXPECT_EQ(HalfFromFloat(value), half);
    }
  }
}

TEST(HalfTest, KnowsItsLandmarks) {
  EXPECT_EQ(HalfFromFloat(1.0F), 0x3C00);
  EXPECT_EQ(HalfFromFloat(-2.0F), 0xC000);
  EXPECT_EQ(HalfFromFloat(65504.0F), 0x7BFF);
  EXPECT_EQ(HalfFromFloat(0x1p-24F), 0x0001);
  EXPECT_EQ(HalfFromFloat(0x1p-14F), 0x0400);
  EXPECT_EQ(HalfFromFloat(std::numeric_limits<float>::infinity()), 0x7C00);
}

TEST(HalfTest, RoundsToNearestTiesToEven) {
  EXPECT_EQ(HalfFromFloat(2049.0F), HalfFromFloat(2048.0F));  // a tie, down to even
  EXPECT_EQ(HalfFromFloat(2051.0F), HalfFromFloat(2052.0F));  // a tie, up to even
  EXPECT_EQ(HalfFromFloat(2049.001F), HalfFromFloat(2050.0F));
  EXPECT_EQ(HalfFromFloat(65519.9F), 0x7BFF);
  EXPECT_EQ(HalfFromFloat(65520.0F), 0x7C00);
  EXPECT_EQ(HalfFromFloat(0x1p-25F), 0x0000);  // a tie, down to even
  EXPECT_EQ(HalfFromFloat(0x1.000002p-25F), 0x0001);
  EXPECT_EQ(HalfFromFloat(0x1.8p-24F), 0x0002);  // a tie, up to even
  EXPECT_EQ(HalfFromFloat(0x1p-30F), 0x0000);
}

const std::vector<float> kLogits = {0, 1, 2, -1, 1.5F, 3.25F, -2, 3.25F};  // two images of four classes; the second has a tie

std::string Encode(const OutputFormat& format) {
  const StatusOr<std::string> bytes = EncodeOutput(format, kLogits.data(), 2);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(bytes->size(), static_cast<size_t>(2 * format.BytesPerImage()));
  return *bytes;
}

TeacherTargets Decode(const OutputFormat& format, const std::string& bytes) {
  const StatusOr<TeacherTargets> targets = DecodeOutput(format, bytes, 2);
  EXPECT_TRUE(targets.ok()) << targets.status();
  EXPECT_EQ(targets->images, 2);
  EXPECT_EQ(targets->classes, 4);
  return *targets;
}

TEST(TeacherOutputTest, EveryKindKeepsTheFirstMostProbableClass) {
  for (const RecordKind kind : {RecordKind::kArgmax, RecordKind::kTopK, RecordKind::kDenseFp16, RecordKind::kDenseFp32}) {
    const OutputFormat format{kind, 4, 2};
    EXPECT_THAT(Decode(format, Encode(format)).top1, testing::ElementsAre(2, 1));
  }
}

TEST(TeacherOutputTest, ArgmaxIsTwoLittleEndianBytes) {
  EXPECT_EQ(Encode({RecordKind::kArgmax, 4, 0}), std::string("\2\0\1\0", 4));
  const std::vector<float> logits = [] {
    std::vector<float> many(65536, 0.0F);
    many.back() = 1;
    return many;
  }();
  EXPECT_EQ(*EncodeOutput({RecordKind::kArgmax, 65536, 0}, logits.data(), 1), "\xFF\xFF");
}

TEST(TeacherOutputTest, DenseKindsKeepLogits) {
  EXPECT_EQ(Decode({RecordKind::kDenseFp32, 4, 0}, Encode({RecordKind::kDenseFp32, 4, 0})).logits, kLogits);
  EXPECT_EQ(Decode({RecordKind::kDenseFp16, 4, 0}, Encode({RecordKind::kDenseFp16, 4, 0})).logits, kLogits);
}

TEST(TeacherOutputTest, DenseFp16Saturates) {
  const float logits[] = {1e6F, -1e6F};
  const StatusOr<std::string> bytes = EncodeOutput({RecordKind::kDenseFp16, 2, 0}, logits, 1);
  EXPECT_THAT(DecodeOutput({RecordKind::kDenseFp16, 2, 0}, *bytes, 1)->logits, testing::ElementsAre(65504.0F, -65504.0F));
}

TEST(TeacherOutputTest, TopKRecoversTheDistribution) {
  const OutputFormat format{RecordKind::kTopK, 4, 2};
  const TeacherTargets targets = Decode(format, Encode(format));
  const double sum = std::exp(0.0) + std::exp(1.0) + std::exp(2.0) + std::exp(-1.0);
  EXPECT_NEAR(std::exp(targets.logits[2]), std::exp(2.0) / sum, 1e-3);
  EXPECT_NEAR(std::exp(targets.logits[1]), std::exp(1.0) / sum, 1e-3);
  const double tail = (std::exp(0.0) + std::exp(-1.0)) / sum;
  EXPECT_NEAR(std::exp(targets.logits[0]), tail / 2, 1e-6);
  EXPECT_EQ(targets.logits[0], targets.logits[3]);
  const OutputFormat all{RecordKind::kTopK, 4, 4};
  double total = 0;
  for (size_t c = 0; c < 4; ++c) total += std::exp(Decode(all, Encode(all)).logits[c]);
  EXPECT_NEAR(total, 1, 2e-3);
}

TEST(TeacherOutputTest, TopKWithoutATailStaysFinite) {
  const float logits[] = {900, 0, 0, 0};
  const OutputFormat format{RecordKind::kTopK, 4, 1};
  const StatusOr<TeacherTargets> targets = DecodeOutput(format, *EncodeOutput(format, logits, 1), 1);
  for (const float v : targets->logits) EXPECT_TRUE(std::isfinite(v));
}

TEST(TeacherOutputTest, RefusesLogitsThatAreNotFinite) {
  const float logits[] = {0, 1, NAN, 0};
  EXPECT_EQ(EncodeOutput({RecordKind::kArgmax, 2, 0}, logits, 2).status().message(),
            "teacher: image 1 of the micro-batch, class 0: logit nan");
}

TEST(TeacherOutputTest, RefusesMalformedBytes) {
  const auto message = [](const OutputFormat& format, const std::string& bytes) {
    const StatusOr<TeacherTargets> targets = DecodeOutput(format, bytes, 1);
    EXPECT_EQ(targets.status().code(), absl::StatusCode::kDataLoss);
    return std::string(targets.status().message());
  };
  const OutputFormat argmax{RecordKind::kArgmax, 4, 0};
  EXPECT_EQ(message(argmax, "abc"), "teacher output: 3 bytes: 1 images of 2 bytes each expected");
  EXPECT_EQ(message(argmax, std::string("\4\0", 2)), "teacher output: image 0: class 4 of 4");
  const OutputFormat topk{RecordKind::kTopK, 4, 2};
  const std::string tail(4, '\0');
  EXPECT_EQ(message(topk, std::string("\1\0\1\0\0\0\0\0", 8) + tail), "teacher output: image 0: class 1 twice");
  EXPECT_EQ(message(topk, std::string("\1\0\7\0\0\0\0\0", 8) + tail), "teacher output: image 0: class 7 of 4");
  EXPECT_EQ(message(topk, std::string("\1\0\2\0\0\x3C\0\0", 8) + tail), "teacher output: image 0: log-probability 1");
  EXPECT_EQ(message(topk, std::string("\1\0\2\0\0\xFC\0\0", 8) + tail), "teacher output: image 0: log-probability -inf");
  EXPECT_EQ(message(topk, std::string("\1\0\2\0\0\0\0\0\0\0\0\x40", 12)), "teacher output: image 0: tail mass 2");
  EXPECT_EQ(message({RecordKind::kDenseFp16, 2, 0}, std::string("\0\0\0\x7E", 4)), "teacher output: image 0: class 1: logit nan");
}

TEST(OutputFormatTest, FollowsTheDistillationType) {
  v1::JobSpec job;
  job.mutable_model()->set_num_classes(5);
  job.mutable_distillation()->set_type(v1::DistillationSpec::HARD);
  EXPECT_EQ(OutputFormatOf(job)->kind, RecordKind::kArgmax);
  job.mutable_distillation()->set_type(v1::DistillationSpec::SOFT);
  EXPECT_EQ(OutputFormatOf(job)->kind, RecordKind::kDenseFp32);
  job.mutable_teacher()->set_record(v1::TeacherSpec::TOPK);
  EXPECT_EQ(OutputFormatOf(job)->topk, 5);
  job.mutable_teacher()->set_record(v1::TeacherSpec::ARGMAX);
  EXPECT_EQ(OutputFormatOf(job).status().code(), absl::StatusCode::kInvalidArgument);
  job.mutable_distillation()->set_type(v1::DistillationSpec::HARD);
  job.mutable_model()->set_num_classes(65537);
  EXPECT_EQ(OutputFormatOf(job).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace deit::teacher
