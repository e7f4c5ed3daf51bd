// Every published model against timm, and vit-pytorch's students against vit-pytorch, in values that tests/parity/reference_models.py and
// vit_pytorch_models.py wrote: logits, loss, gradients of every parameter and statistics of every batch norm. Cases of full size are
// named FullSize. Networks of common/models train in fp64: in fp32 an input of ReLU that rounds to the other side of 0 moves a whole
// gradient by more than a wrong model might. Their logits are compared in fp32 and in fp64.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/models/model_catalog.h"
#include "proto/spec.pb.h"
#include "tests/support/keyed_values.h"
#include "tests/worker/nn/torch_support.h"
#include "worker/nn/model.h"
#include "worker/nn/network_model.h"

namespace deit::nn {
namespace {

struct Reference {
  v1::ModelSpec spec;
  int64_t training_images = 0, evaluation_images = 0;
  double fp32_error = 0;  // of the reference's own logits in fp32, as LogitError
  double loss = 0;
  std::vector<double> logits;
  struct Tensor {
    std::string name, shape;
    Sketch sketch;  // empty for num_batches_tracked
  };
  std::vector<Tensor> tensors;
};

Reference Read(const std::string& path) {
  std::ifstream file(path);
  Reference reference;
  std::string line;
  std::getline(file, line);
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(line, &reference.spec)) << line;
  file >> reference.training_images >> reference.evaluation_images >> reference.fp32_error >> reference.loss;
  reference.logits.resize(static_cast<size_t>(reference.evaluation_images * reference.spec.num_classes()));
  for (double& logit : reference.logits) file >> logit;
  file >> std::ws;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    Reference::Tensor tensor;
    words >> tensor.name >> tensor.shape >> tensor.sketch.norm;
    for (double& product : tensor.sketch.products) words >> product;
    reference.tensors.push_back(tensor);
  }
  return reference;
}

std::vector<at::Tensor> KeyedValues(const Model& model) {
  std::vector<at::Tensor> values;
  for (const models::TensorSpec& spec : model.tensors()) {
    const std::vector<float> keyed = KeyedTensor(spec.name, spec.shape);
    at::Tensor value = at::empty(spec.shape, at::TensorOptions().dtype(at::kFloat));
    std::copy(keyed.begin(), keyed.end(), value.mutable_data_ptr<float>());
    values.push_back(value);
  }
  return values;
}

at::Tensor Images(const char* key, int64_t count, const v1::ModelSpec& spec) {
  at::Tensor images = at::empty({count, 3, spec.img_size(), spec.img_size()}, at::TensorOptions().dtype(at::kFloat));
  float* const data = images.mutable_data_ptr<float>();
  for (int64_t i = 0; i < images.numel(); ++i) data[i] = static_cast<float>(KeyedValue(KeyOf(key), static_cast<uint64_t>(i)));
  return images;
}

at::Tensor LossOf(const Outputs& outputs) {
  const int64_t classes = outputs.head.size(1);
  const at::Tensor labels = (at::arange(outputs.head.size(0), at::TensorOptions().dtype(at::kLong)) * 7).remainder(classes);
  const at::Tensor loss = at::cross_entropy_loss(outputs.head, labels);
  return outputs.head_dist.defined() ? loss + at::cross_entropy_loss(outputs.head_dist, labels) : loss;
}

// The reference's tensors in the order of the model's, which of vit-pytorch's students is not the state dict's.
void Arrange(const Model& model, std::vector<Reference::Tensor>& tensors) {
  ASSERT_EQ(model.tensors().size(), tensors.size());
  for (size_t t = 0; t < tensors.size(); ++t) {
    const auto named = [&](const Reference::Tensor& tensor) { return tensor.name == model.tensors()[t].name; };
    const auto found = std::find_if(tensors.begin() + static_cast<std::ptrdiff_t>(t), tensors.end(), named);
    ASSERT_NE(found, tensors.end()) << model.tensors()[t].name;
    std::swap(tensors[t], *found);
  }
}

bool IsStatistic(const models::TensorSpec& spec) {
  return spec.role == models::TensorRole::kRunningMean || spec.role == models::TensorRole::kRunningVar;
}

// Of every tensor: the loss's gradient, or the micro-batch's statistic; undefined for num_batches_tracked.
std::vector<at::Tensor> Train(const Model& model, at::ScalarType type, const Reference& reference, std::vector<at::Tensor> values) {
  std::vector<at::Tensor> known;
  for (size_t t = 0; t < values.size(); ++t) {
    const models::TensorSpec& spec = model.tensors()[t];
    known.push_back(IsStatistic(spec) ? at::zeros(spec.shape, at::TensorOptions().dtype(type)) : at::Tensor());
    values[t] = values[t].to(type);
    if (spec.role == models::TensorRole::kParameter && !spec.direct_gradient) values[t] = values[t].detach().set_requires_grad(true);
  }
  RecordingSink sink;
  const at::Tensor images = Images("training", reference.training_images, reference.spec);
  const at::Tensor loss = LossOf(model.Forward(values, known, images, {.training = true, .sink = &sink}));
  EXPECT_NEAR(loss.item<double>() / reference.loss, 1, 1e-5);
  loss.backward();
  for (size_t t = 0; t < known.size(); ++t) {
    if (model.tensors()[t].role != models::TensorRole::kParameter) continue;
    known[t] = model.tensors()[t].direct_gradient ? sink.gradients[static_cast<int>(t)] : values[t].grad();
  }
  return known;
}

// Largest over all logits, of the difference, relative to the largest logit.
double LogitError(const Model& model, const Reference& reference, const std::vector<at::Tensor>& values) {
  const at::NoGradGuard no_gradients;
  const at::Tensor images = Images("evaluation", reference.evaluation_images, reference.spec);
  const at::Tensor logits = FusedLogits(model.Forward(values, {}, images, {})).to(at::kDouble).contiguous();
  double error = 0, largest = 0;
  for (size_t i = 0; i < reference.logits.size(); ++i) {
    error = std::max(error, std::abs(logits.const_data_ptr<double>()[i] - reference.logits[i]));
    largest = std::max(largest, std::abs(reference.logits[i]));
  }
  return error / largest;
}

// The norm of the difference of two tensors by their sketches.
double Difference(const Sketch& a, const Sketch& b) {
  double sum = 0;
  for (int k = 0; k < Sketch::kProducts; ++k) sum += (a.products[k] - b.products[k]) * (a.products[k] - b.products[k]);
  return std::sqrt(sum / Sketch::kProducts);
}

// Largest error of a tensor relative to its norm; of a gradient that is truly 0 (a shift before a batch norm), to the norm of all.
double LargestError(const Model& model, const Reference& reference, const std::vector<at::Tensor>& known, double bound) {
  double whole = 0, largest = 0;
  for (size_t t = 0; t < known.size(); ++t) {
    const double norm = model.tensors()[t].role == models::TensorRole::kParameter ? reference.tensors[t].sketch.norm : 0;
    whole = std::hypot(whole, norm);
  }
  for (size_t t = 0; t < known.size(); ++t) {
    const Reference::Tensor& timm = reference.tensors[t];
    const models::TensorSpec& spec = model.tensors()[t];
    EXPECT_EQ(spec.name, timm.name);
    EXPECT_EQ(spec.shape.empty() ? "scalar" : absl::StrJoin(spec.shape, "x"), timm.shape) << timm.name;
    if (spec.role == models::TensorRole::kBatchesTracked) continue;
    const at::Tensor dense = known[t].to(at::kDouble).contiguous();
    const Sketch ours = SketchOf(spec.name, dense.const_data_ptr<double>(), static_cast<size_t>(dense.numel()));
    const bool is_zero = spec.role == models::TensorRole::kParameter && timm.sketch.norm < 1e-9 * whole;
    const double error = Difference(ours, timm.sketch) / (is_zero ? whole : timm.sketch.norm);
    EXPECT_LE(error, bound) << timm.name << ": norm " << ours.norm << ", the reference's " << timm.sketch.norm;
    largest = std::max(largest, error);
  }
  return largest;
}

void ExpectParity(const std::string& path) {
  Reference reference = Read(path);
  reference.spec = *models::ResolveModel(reference.spec);
  const StatusOr<std::unique_ptr<Model>> made = NewModel(reference.spec, v1::FP32);
  ASSERT_TRUE(made.ok()) << made.status();
  const Model& model = **made;
  Arrange(model, reference.tensors);
  if (testing::Test::HasFatalFailure()) return;
  std::vector<at::Tensor> values = KeyedValues(model);
  models::Network network = models::NetworkOf(reference.spec);
  const bool exact = !network.empty();
  const std::unique_ptr<Model> in_fp64 = exact ? NewNetworkModel(std::move(network), at::kDouble) : nullptr;
  const std::vector<at::Tensor> known = Train(exact ? *in_fp64 : model, exact ? at::kDouble : at::kFloat, reference, values);
  const double gradient_error = LargestError(model, reference, known, exact ? 1e-7 : 1e-5);
  for (size_t t = 0; t < values.size(); ++t) {
    if (IsStatistic(model.tensors()[t])) values[t] = known[t].to(at::kFloat);
  }
  const double logit_error = LogitError(model, reference, values);
  EXPECT_LE(logit_error, std::max(1e-5, 2 * reference.fp32_error)) << "the reference's own error in fp32 is " << reference.fp32_error;
  if (exact) {
    for (size_t t = 0; t < values.size(); ++t) values[t] = IsStatistic(model.tensors()[t]) ? known[t] : values[t].to(at::kDouble);
    EXPECT_LE(LogitError(*in_fp64, reference, values), 1e-7);
  }
  std::printf("logits in fp32 %.1e (the reference's own %.1e), gradients and statistics %.1e\n", logit_error, reference.fp32_error,
              gradient_error);
}

std::vector<std::string> Cases(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(DEIT_GOLDEN_DIR) + "/parity/" + folder)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::string> Both(std::vector<std::string> paths, const std::vector<std::string>& more) {
  paths.insert(paths.end(), more.begin(), more.end());
  return paths;
}

class ParityTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { UseOneThread(); }
};

TEST_P(ParityTest, EqualsItsReference) { ExpectParity(GetParam()); }

std::string NameOf(const testing::TestParamInfo<std::string>& info) { return std::filesystem::path(info.param).stem(); }

INSTANTIATE_TEST_SUITE_P(Reduced, ParityTest, testing::ValuesIn(Cases("reduced")), NameOf);
INSTANTIATE_TEST_SUITE_P(VitPytorch, ParityTest, testing::ValuesIn(Cases("vit_pytorch_reduced")), NameOf);
INSTANTIATE_TEST_SUITE_P(FullSize, ParityTest, testing::ValuesIn(Both(Cases("full"), Cases("vit_pytorch_full"))), NameOf);

TEST(ParityCasesTest, EveryPublishedModelHasOneOfEachSize) {
  std::vector<std::string> names;
  for (const models::CatalogEntry& entry : models::ModelCatalog()) {
    const bool published = entry.name.find_first_of("0123456789") != std::string::npos;  // families of timm's have no digits
    if (published && !models::IsVitPytorch(entry.family)) names.push_back(entry.name);
  }
  std::sort(names.begin(), names.end());
  for (const char* folder : {"reduced", "full"}) {
    std::vector<std::string> covered;
    for (const std::string& path : Cases(folder)) covered.push_back(std::filesystem::path(path).stem());
    EXPECT_EQ(covered, names) << folder;
  }
  EXPECT_EQ(Cases("vit_pytorch_reduced").size(), 6U);
  EXPECT_EQ(Cases("vit_pytorch_full").size(), 3U);
}

}  // namespace
}  // namespace deit::nn
