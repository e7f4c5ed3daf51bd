#include "common/metrics/progress_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace deit::metrics {
namespace {

v1::Progress Full() {
  v1::Progress p;
  p.set_epoch(12);
  p.set_epochs(300);
  p.set_epoch_step(562);
  p.set_epoch_steps(1251);
  p.set_loss(3.2141);
  p.set_loss_average(3.3009);
  p.set_val_acc1(61.23);
  p.set_images_per_second(812.3);
  p.set_step_seconds(0.314);
  p.set_data_share(0.02);
  p.set_lr(4.9e-4);
  p.set_eta_seconds(3 * 3600 + 12 * 60);
  return p;
}

TEST(FormatProgressTest, ShowsEverythingWhereThereIsRoom) {
  EXPECT_EQ(FormatProgress(Full(), kAnyWidth),
            "epoch 12/300 [ 44%] 562/1251 loss 3.214 (3.301) acc1 61.2 812 img/s 0.31 s/step data 2% lr 4.9e-04 eta 3h12m");
}

TEST(FormatProgressTest, LeavesOutWhatIsUnknown) {
  v1::Progress p;
  p.set_epochs(2);
  p.set_epoch_steps(40);
  EXPECT_EQ(FormatProgress(p, kAnyWidth), "epoch 0/2 [  0%] 0/40");
  p.set_loss(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(FormatProgress(p, kAnyWidth), "epoch 0/2 [  0%] 0/40 loss nan");
}

TEST(FormatProgressTest, IsCompleteOnlyAtTheEndOfAnEpoch) {
  v1::Progress p;
  p.set_epoch_steps(1000);
  p.set_epoch_step(999);
  EXPECT_EQ(FormatProgress(p, kAnyWidth), "epoch 0/0 [ 99%] 999/1000");
}

TEST(FormatProgressTest, DropsWholePartsToFit) {
  EXPECT_EQ(FormatProgress(Full(), 80), "epoch 12/300 [ 44%] 562/1251 loss 3.214 (3.301) acc1 61.2 812 img/s eta 3h12m");
  EXPECT_EQ(FormatProgress(Full(), 40), "epoch 12/300 [ 44%] 562/1251 loss 3.214");
  EXPECT_EQ(FormatProgress(Full(), 38), "epoch 12/300 562/1251 loss 3.214");
  EXPECT_EQ(FormatProgress(Full(), 12), "epoch 12/300");
  EXPECT_EQ(FormatProgress(Full(), 5), "epoch");
  EXPECT_EQ(FormatProgress(Full(), 0), "");
  for (int width = 0; width < 130; ++width) EXPECT_LE(FormatProgress(Full(), width).size(), static_cast<size_t>(width));
}

TEST(FinishedLineTest, IsWhatScriptsRead) {
  EXPECT_EQ(FinishedLine(120, 2, 61.23, "00112233aabbccdd"), "finished step=120 epoch=2 val_acc1=61.23 weights_digest=00112233aabbccdd");
  EXPECT_EQ(FinishedLine(1, 0, std::numeric_limits<double>::quiet_NaN(), "00112233aabbccdd"),
            "finished step=1 epoch=0 val_acc1=nan weights_digest=00112233aabbccdd");
}

}  // namespace
}  // namespace deit::metrics
