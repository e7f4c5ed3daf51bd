#include "worker/nn/frozen_model.h"

#include <cstring>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include "common/models/model_catalog.h"
#include "proto/spec.pb.h"
#include "tests/support/keyed_values.h"
#include "tests/worker/nn/torch_support.h"
#include "worker/nn/network_model.h"

namespace deit::nn {
namespace {

v1::ModelSpec Small(const std::string& name) {
  v1::ModelSpec model;
  model.set_name(name);
  model.set_num_classes(10);
  model.set_img_size(32);
  if (name == "deit_distilled") model.set_depth(2);
  if (name == "efficientnet") model.set_depth_mult(0.5);
  return *models::ResolveModel(model);
}

// Keyed values; running variances around 0.5.
std::vector<at::Tensor> Values(const std::vector<models::TensorSpec>& tensors) {
  std::vector<at::Tensor> values;
  for (const models::TensorSpec& spec : tensors) {
    const std::vector<float> keyed = KeyedTensor(spec.name, spec.shape);
    at::Tensor value = at::empty(spec.shape, at::TensorOptions().dtype(at::kFloat));
    std::copy(keyed.begin(), keyed.end(), value.mutable_data_ptr<float>());
    values.push_back(spec.role == models::TensorRole::kRunningVar ? value + 0.5 : value);
  }
  return values;
}

at::Tensor FrozenLogits(const v1::ModelSpec& spec, v1::Precision precision, const std::vector<at::Tensor>& values,
                        const at::Tensor& images) {
  const auto read = [&values](size_t t, float* out) {
    std::memcpy(out, values[t].const_data_ptr(), values[t].nbytes());
    return absl::OkStatus();
  };
  const StatusOr<FrozenModel> frozen = NewFrozenModel(spec, precision, read);
  EXPECT_TRUE(frozen.ok()) << frozen.status();
  EXPECT_EQ(frozen->values.size(), frozen->model->tensors().size());
  for (size_t t = 0; t < frozen->values.size(); ++t) EXPECT_EQ(frozen->values[t].sizes(), frozen->model->tensors()[t].shape);
  return FusedLogits(frozen->model->Forward(frozen->values, {}, images, {}));
}

class FrozenModelTest : public testing::Test {
 protected:
  void SetUp() override { UseOneThread(); }
  const at::NoGradGuard no_gradients_;
  const at::Tensor images_ = Wave({3, 3, 32, 32}, 0.37);
};

TEST_F(FrozenModelTest, EqualsTheModelUpToRounding) {
  for (const char* name : {"convnet", "resnet", "resnet50", "regnety", "efficientnet", "deit_distilled"}) {
    const v1::ModelSpec spec = Small(name);
    const std::unique_ptr<Model> model = *NewModel(spec, v1::FP32);
    const std::vector<at::Tensor> values = Values(model->tensors());
    const at::Tensor plain = FusedLogits(model->Forward(values, {}, images_, {}));
    EXPECT_LT(RelativeError(FrozenLogits(spec, v1::FP32, values, images_), plain), 1e-5) << name;
  }
}

TEST_F(FrozenModelTest, Bf16IsAsExactAsTheUnfoldedModel) {
  for (const char* name : {"resnet", "regnety", "efficientnet"}) {
    const v1::ModelSpec spec = Small(name);
    const std::unique_ptr<Model> model = *NewModel(spec, v1::FP32), rounded = *NewModel(spec, v1::BF16);
    const std::vector<at::Tensor> values = Values(model->tensors());
    const at::Tensor exact = model->Forward(values, {}, images_, {}).head;
    const double unfolded = RelativeError(rounded->Forward(Rounded(*rounded, values, at::kBFloat16), {}, images_, {}).head, exact);
    const double folded = RelativeError(FrozenLogits(spec, v1::BF16, values, images_), exact);
    EXPECT_GT(folded, 1e-4) << name << ": is this bf16";
    EXPECT_LT(folded, 1.5 * unfolded) << name;
  }
}

TEST_F(FrozenModelTest, AReadersErrorIsPassedOn) {
  int reads = 0;
  const auto read = [&reads](size_t, float*) { return ++reads == 7 ? absl::DataLossError("tensor 7") : absl::OkStatus(); };
  for (const char* name : {"resnet", "deit_distilled"}) {
    reads = 0;
    EXPECT_EQ(NewFrozenModel(Small(name), v1::FP32, read).status().message(), "tensor 7") << name;
  }
}

}  // namespace
}  // namespace deit::nn
