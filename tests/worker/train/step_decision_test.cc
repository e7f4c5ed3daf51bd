#include "worker/train/step_decision.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "worker/train/step_payload.h"

namespace deit::train {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

StepFacts Facts(std::vector<double> losses, std::vector<double> squares) {
  StepFacts facts;
  for (double loss : losses) facts.lanes.push_back({loss, loss / 2, loss / 4, 10, 3, 2});
  facts.squares = std::move(squares);
  return facts;
}

TEST(DecideStepTest, MeansAreOverLanesAndImagesAreCounted) {
  const StepDecision decision = DecideStep(Facts({1, 2, 3, 6}, {0}), 0);
  EXPECT_DOUBLE_EQ(decision.mean.loss, 3);
  EXPECT_DOUBLE_EQ(decision.mean.base, 1.5);
  EXPECT_DOUBLE_EQ(decision.mean.distill, 0.75);
  EXPECT_EQ(decision.mean.images, 40);
  EXPECT_EQ(decision.mean.correct, 12);
  EXPECT_EQ(decision.mean.replaced, 8);
  EXPECT_TRUE(decision.finite && decision.update);
  EXPECT_FALSE(decision.stop);
}

TEST(DecideStepTest, TheNormIsThatOfTheMeanGradient) {
  const StepDecision decision = DecideStep(Facts({1, 1, 1, 1}, {16, 9, 11}), 0);  // sum over lanes: norm 6
  EXPECT_DOUBLE_EQ(decision.gradient_norm, 1.5);
  EXPECT_DOUBLE_EQ(decision.gradient_scale, 0.25);
}

// torch.nn.utils.clip_grad_norm_: clip / (norm + 1e-6), at most 1.
TEST(DecideStepTest, ClippingIsTorchs) {
  const StepFacts facts = Facts({1, 1}, {16});  // norm of the mean: 2
  EXPECT_DOUBLE_EQ(DecideStep(facts, 0.5).gradient_scale, 0.5 / (2 + 1e-6) / 2);
  EXPECT_DOUBLE_EQ(DecideStep(facts, 2).gradient_scale, 2 / (2 + 1e-6) / 2) << "also just at the limit";
  EXPECT_DOUBLE_EQ(DecideStep(facts, 3).gradient_scale, 0.5);
  EXPECT_DOUBLE_EQ(DecideStep(facts, 0).gradient_scale, 0.5) << "off";
  EXPECT_DOUBLE_EQ(DecideStep(Facts({1, 1}, {0}), 1).gradient_scale, 0.5) << "no gradient at all";
  EXPECT_DOUBLE_EQ(DecideStep(facts, 0.5).gradient_norm, 2) << "reported before clipping";
}

TEST(DecideStepTest, TheFirstLaneThatIsNotFiniteIsNamed) {
  const StepDecision decision = DecideStep(Facts({1, kInfinity, std::nan(""), 1}, {1}), 1);
  EXPECT_FALSE(decision.finite);
  EXPECT_FALSE(decision.update);
  EXPECT_EQ(decision.first_bad_lane, 1);
}

TEST(DecideStepTest, AGradientThatIsNotFiniteSkipsTheStepWithoutALane) {
  for (double square : {kInfinity, std::nan("")}) {
    const StepDecision decision = DecideStep(Facts({1, 1}, {1, square}), 1);
    EXPECT_FALSE(decision.finite || decision.update);
    EXPECT_EQ(decision.first_bad_lane, -1);
  }
}

TEST(DecideStepTest, AnyStopRequestStopsAll) {
  StepFacts facts = Facts({1}, {1});
  facts.end = StepEnd::kStopAfter;
  EXPECT_TRUE(DecideStep(facts, 0).stop);
  EXPECT_TRUE(DecideStep(facts, 0).update);
}

TEST(StepPayloadTest, ComesBackAsItWas) {
  StepPayload payload;
  payload.end = StepEnd::kGivenUp;
  payload.lanes = {{1, 2, 3, 4, 5, 6}, {-1, 0.5, 1e300, 7, 0, 2}};
  payload.squares = {1.5, kInfinity};
  payload.statistics = {0.25f, -3, 1e-30f};
  const StepPayloadShape shape{2, 2, 3};
  const auto bytes = EncodeStepPayload(payload);
  EXPECT_EQ(bytes.size(), shape.bytes());
  const StepPayload back = DecodeStepPayload(shape, bytes);
  EXPECT_EQ(back.end, StepEnd::kGivenUp);
  EXPECT_EQ(back.squares, payload.squares);
  EXPECT_EQ(back.statistics, payload.statistics);
  ASSERT_EQ(back.lanes.size(), 2u);
  for (size_t lane = 0; lane < 2; ++lane) {
    EXPECT_EQ(back.lanes[lane].loss, payload.lanes[lane].loss);
    EXPECT_EQ(back.lanes[lane].base, payload.lanes[lane].base);
    EXPECT_EQ(back.lanes[lane].distill, payload.lanes[lane].distill);
    EXPECT_EQ(back.lanes[lane].images, payload.lanes[lane].images);
    EXPECT_EQ(back.lanes[lane].correct, payload.lanes[lane].correct);
    EXPECT_EQ(back.lanes[lane].replaced, payload.lanes[lane].replaced);
  }
}

TEST(StepPayloadTest, ANoteWithoutAnythingHoldsTheStopRequest) {
  const StepPayload back = DecodeStepPayload({}, EncodeStepPayload({}));
  EXPECT_EQ(back.end, StepEnd::kGoOn);
  EXPECT_TRUE(back.lanes.empty() && back.squares.empty() && back.statistics.empty());
}

}  // namespace
}  // namespace deit::train
