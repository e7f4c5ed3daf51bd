#include "worker/distill/teacher_pixels.h"

#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "proto/spec.pb.h"
#include "tests/support/keyed_values.h"
#include "tests/worker/nn/torch_support.h"

namespace deit::distill {
namespace {

constexpr float kMean[] = {0.5F, 0.25F}, kStd[] = {0.25F, 0.5F}, kTeachersMean[] = {0.485F, 0.4F}, kTeachersStd[] = {0.229F, 0.225F};

v1::JobSpec Job(int side, int teachers_side) {
  v1::JobSpec job;
  job.mutable_model()->set_img_size(side);
  job.mutable_teacher()->mutable_model()->set_img_size(teachers_side);
  for (const float value : kMean) job.mutable_data()->add_mean(value);
  for (const float value : kStd) job.mutable_data()->add_std(value);
  return job;
}

v1::JobSpec WithOtherStatistics(v1::JobSpec job) {
  for (const float value : kTeachersMean) job.mutable_teacher()->add_mean(value);
  for (const float value : kTeachersStd) job.mutable_teacher()->add_std(value);
  return job;
}

at::Tensor Images(int64_t side, int64_t count = 1) {
  at::Tensor images = at::empty({count, 2, side, side}, at::TensorOptions().dtype(at::kFloat));
  for (int64_t i = 0; i < images.numel(); ++i) {
    images.mutable_data_ptr<float>()[i] = static_cast<float>(KeyedValue(KeyOf("pixels"), static_cast<uint64_t>(i)));
  }
  return images;
}

class TeacherPixelsTest : public testing::Test {
 protected:
  void SetUp() override { nn::UseOneThread(); }

  static void Expect(int side, int teachers_side, const std::vector<double>& golden) {
    const at::Tensor fitted = TeacherPixels::Of(WithOtherStatistics(Job(side, teachers_side))).Fit(Images(side)).contiguous();
    ASSERT_EQ(fitted.sizes(), (std::vector<int64_t>{1, 2, teachers_side, teachers_side}));
    ASSERT_EQ(static_cast<size_t>(fitted.numel()), golden.size());
    for (size_t i = 0; i < golden.size(); ++i) EXPECT_NEAR(fitted.const_data_ptr<float>()[i], golden[i], 2e-6) << i;
  }
};

// tests/parity/teacher_pixels.py printed the numbers.
TEST_F(TeacherPixelsTest, AreResizedToFewer) {
  Expect(7, 4, {0.0339145,  -0.1621428, 0.002872255, 0.3663851,  0.002791761, -0.2958681, -0.2353475, -0.4111781,
                -0.5214827, -0.4850336, -0.3662254,  0.2976982,  -0.3787586,  -0.1818737, -0.3922111, 0.001555833,
                -1.40514,   0.7496469,  -0.02204131, -1.045064,  -0.3216552,  -0.4637662, -0.3545111, -0.3720877,
                -0.9396556, -1.511227,  -1.327602,   -0.3693507, -0.7716397,  -1.10178,   -0.4349729, -0.4878149});
}
TEST_F(TeacherPixelsTest, AreResizedToMore) {
  Expect(3, 5, {-0.3651059, 0.1822978,  0.8561056,  -0.01275572, -0.6673618, -0.7049247,  -0.1337765, 0.6581237,   0.2659332,  -0.08553293,
                -1.040675,  -0.5389112, 0.2731145,  0.6018865,   0.7271105,  -0.02356099, -0.1302636, -0.2305584,  0.1185077,  0.3619362,
                0.6907383,  0.1877414,  -0.5210002, -0.2412068,  0.02603833, -0.8161588,  -0.5090249, -0.07284244, -0.2238948, -0.3743199,
                -1.606447,  -0.7898978, 0.4160276,  0.2823477,   0.0551094,  -2.577249,   -1.211292,  0.8294944,   0.7416763,  0.4490782,
                -1.311438,  -1.203424,  -1.036306,  -1.010019,   -1.011737,  -0.3590117,  -1.149827,  -2.323386,   -2.226552,  -2.02751});
}
TEST_F(TeacherPixelsTest, AreRenormalised) {
  Expect(4, 4,
         {-0.3263593, 0.8151939,  -0.4723323, -0.948479,   0.2731145,  0.6952512,  0.4966386, -0.4652729, 0.0373059, -0.03658226, 0.388336,
          0.2480932,  -0.7556559, 0.8005158,  0.6267449,   0.08544215, -2.102131,  -1.871147, -1.630594,  -2.022611, -2.635734,   -2.688004,
          -0.9728504, -1.145533,  -1.951519,  -0.06760118, -1.09949,   -0.3547653, -2.485331, -1.185684,  -1.913082, -1.905955});
}

TEST_F(TeacherPixelsTest, AreTheStudentsWhereNothingDiffers) {
  const TeacherPixels same = TeacherPixels::Of(Job(8, 8));
  const at::Tensor images = Images(8);
  EXPECT_TRUE(same.Fit(images).is_same(images)) << "not even copied";
  EXPECT_EQ(same.description(), "");
  v1::JobSpec spelled = Job(8, 8);
  *spelled.mutable_teacher()->mutable_mean() = spelled.data().mean();
  EXPECT_TRUE(TeacherPixels::Of(spelled).Fit(images).is_same(images));
  EXPECT_TRUE(TeacherPixels().Fit(images).is_same(images));
}

TEST_F(TeacherPixelsTest, AnImageDoesNotDependOnItsNeighbours) {
  const TeacherPixels pixels = TeacherPixels::Of(WithOtherStatistics(Job(8, 5)));
  const at::Tensor images = Images(8, 2);
  EXPECT_TRUE(at::equal(pixels.Fit(images).narrow(0, 1, 1), pixels.Fit(images.narrow(0, 1, 1).clone())));
}

TEST_F(TeacherPixelsTest, SayWhatIsDone) {
  EXPECT_EQ(TeacherPixels::Of(Job(8, 5)).description(), "sees the student's pixels resized from 8x8 to 5x5 (bicubic, antialiased)");
  EXPECT_EQ(TeacherPixels::Of(WithOtherStatistics(Job(8, 8))).description(),
            "sees the student's pixels normalised by mean [0.485, 0.4], std [0.229, 0.225] instead of mean [0.5, 0.25], std [0.25, 0.5]");
  EXPECT_EQ(TeacherPixels::Of(WithOtherStatistics(Job(8, 16))).description(),
            "sees the student's pixels resized from 8x8 to 16x16 (bicubic, antialiased) and normalised by mean [0.485, 0.4], std "
            "[0.229, 0.225] instead of mean [0.5, 0.25], std [0.25, 0.5]");
  v1::JobSpec mean_only = Job(8, 8);
  mean_only.mutable_teacher()->add_mean(0);
  mean_only.mutable_teacher()->add_mean(0.25F);
  EXPECT_EQ(TeacherPixels::Of(mean_only).description(),
            "sees the student's pixels normalised by mean [0, 0.25], std [0.25, 0.5] instead of mean [0.5, 0.25], std [0.25, 0.5]");
}

}  // namespace
}  // namespace deit::distill
