#include "worker/engine/leaves.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>

#include "common/plan/grid.h"
#include "common/spec/load.h"
#include "worker/train/trainer.h"

namespace deit::engine {
namespace {

// deit_tiny_distilled at full size, on a grid of its own.
class LeavesTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    at::set_num_threads(1);
    const auto spec = spec::ParseSpec("model { name: \"deit_tiny_distilled_patch16_224\" }", "", {});
    ASSERT_TRUE(spec.ok()) << spec.status();
    auto model = nn::NewModel(spec->model(), GetParam() ? v1::BF16 : v1::FP32);
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    grid_ = std::make_unique<plan::Grid>(train::ParameterShapes(model_->tensors()), 1 << 18);
    weights_.resize(static_cast<size_t>(grid_->elements()) + 1024, 0.01f);
    compute_.resize(weights_.size(), 0x3c23);
    state_.weights = Aligned(weights_.data());
    state_.compute_weights = GetParam() ? Aligned(compute_.data()) : nullptr;
    for (const auto& place : grid_->tensors()) state_.offset.push_back(place.offset);
  }

  template <typename T>
  static T* Aligned(T* data) {
    return reinterpret_cast<T*>((reinterpret_cast<uintptr_t>(data) + 4095) / 4096 * 4096);
  }

  void ExpectOnTheGrid(const std::vector<at::Tensor>& values) const {
    ASSERT_EQ(values.size(), grid_->tensors().size());  // no buffers in this model
    for (size_t t = 0; t < values.size(); ++t) {
      const int64_t offset = grid_->tensors()[t].offset;
      const bool narrow = GetParam() && model_->tensors()[t].compute_precision;
      const void* expected =
          narrow ? static_cast<const void*>(state_.compute_weights + offset) : static_cast<const void*>(state_.weights + offset);
      EXPECT_EQ(values[t].const_data_ptr(), expected) << model_->tensors()[t].name;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(values[t].const_data_ptr()) % (narrow ? 128 : 256), 0u) << model_->tensors()[t].name;
    }
  }

  std::unique_ptr<nn::Model> model_;
  std::unique_ptr<plan::Grid> grid_;
  std::vector<float> weights_;
  std::vector<uint16_t> compute_;
  train::StateView state_;
};

TEST_P(LeavesTest, ParametersAreViewsOfTheFlatBufferOnTheGrid) {
  AccumulatorSink sink;
  const auto values = MakeLeaves(model_->tensors(), state_, &sink);
  ExpectOnTheGrid(values);
  for (size_t t = 0; t < values.size(); ++t) EXPECT_EQ(values[t].requires_grad(), !model_->tensors()[t].direct_gradient);
}

TEST_P(LeavesTest, AStepLeavesThemOnTheGridAndEachGradientArrivesOnce) {
  AccumulatorSink sink;
  const auto values = MakeLeaves(model_->tensors(), state_, &sink);
  std::vector<float> slot(static_cast<size_t>(grid_->elements()));
  train::LaneAccumulator accumulator(*grid_, train::ParameterIndex(model_->tensors()), {slot.data()}, 0);
  const plan::LaneStep store{0, false, {}};
  accumulator.BeginLane(store, nullptr);
  sink.accumulator = &accumulator;
  const uint64_t position = 7;
  const auto outputs = model_->Forward(values, {}, at::rand({1, 3, 224, 224}), {true, 0, &position, &sink});
  (outputs.head.sum() + outputs.head_dist.sum()).backward();
  EXPECT_TRUE(accumulator.EndLane().ok()) << "every parameter has had its gradient";
  ExpectOnTheGrid(values);
  for (size_t t = 0; t < values.size(); ++t) EXPECT_FALSE(values[t].grad().defined()) << model_->tensors()[t].name;
  // The padding between tensors stays zero: gradients are written on the grid only.
  for (size_t t = 0; t + 1 < values.size(); ++t) {
    for (int64_t i = grid_->tensors()[t].offset + grid_->tensors()[t].count; i < grid_->tensors()[t + 1].offset; ++i)
      ASSERT_EQ(slot[static_cast<size_t>(i)], 0.0f);
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, LeavesTest, ::testing::Values(false, true),
                         [](const auto& param) { return param.param ? "BF16" : "FP32"; });

}  // namespace
}  // namespace deit::engine
