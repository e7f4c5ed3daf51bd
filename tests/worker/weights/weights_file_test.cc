#include "worker/weights/weights_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "common/base/status.h"
#include "tests/support/temp_folder.h"

namespace deit::weights {
namespace {

using checkpoint::Dtype;
using ::testing::HasSubstr;

const std::vector<models::TensorSpec> kTensors = {{.name = "a", .shape = {2, 2}}, {.name = "b", .shape = {3}}};

std::string Write(const testing::TempFolder& folder, const std::string& name, const std::vector<checkpoint::TensorData>& tensors) {
  std::string path = folder / name;
  const auto written = checkpoint::WriteSafetensors(files::FileSystem::Posix(), path, tensors, {});
  EXPECT_TRUE(written.ok()) << written.status();
  return path;
}

const float kA[] = {1, 2, 3, 4}, kB[] = {5, 6, 7};

TEST(WeightsFileTest, ReadsOneFileOrTheModelFilesOfAFolder) {
  const testing::TempFolder folder;
  const std::string file = Write(folder, "w.safetensors", {{"a", Dtype::kF32, {2, 2}, kA, 16}, {"b", Dtype::kF32, {3}, kB, 12}});
  Write(folder, "model_00.safetensors", {{"b", Dtype::kF32, {3}, kB, 12}});
  Write(folder, "model_01.safetensors", {{"a", Dtype::kF32, {2, 2}, kA, 16}});
  for (const std::string& path : {file, folder.path()}) {
    const auto weights = WeightsFile::Open(path, kTensors);
    ASSERT_TRUE(weights.ok()) << weights.status();
    float a[4], b[3];
    ASSERT_TRUE(weights->Read(0, a).ok() && weights->Read(1, b).ok());
    EXPECT_THAT(a, ::testing::ElementsAreArray(kA));
    EXPECT_THAT(b, ::testing::ElementsAreArray(kB));
  }
}

TEST(WeightsFileTest, ConvertsHalfPrecision) {
  const testing::TempFolder folder;
  const uint16_t half[] = {0x3c00, 0xc000, 0x0001, 0x7bff}, brain[] = {0x3f80, 0xc000, 0x7f7f};
  const auto path = Write(folder, "w.safetensors", {{"a", Dtype::kF16, {2, 2}, half, 8}, {"b", Dtype::kBF16, {3}, brain, 6}});
  const auto weights = WeightsFile::Open(path, kTensors);
  ASSERT_TRUE(weights.ok()) << weights.status();
  float a[4], b[3];
  ASSERT_TRUE(weights->Read(0, a).ok() && weights->Read(1, b).ok());
  EXPECT_THAT(a, ::testing::ElementsAre(1.0f, -2.0f, 0x1p-24f, 65504.0f));
  EXPECT_THAT(b, ::testing::ElementsAre(1.0f, -2.0f, 0x1.fep127f));
}

TEST(WeightsFileTest, ConvertsDoublePrecision) {
  const testing::TempFolder folder;
  const double wide[] = {1.0, 0.1, -2.5, 1e-3};
  const auto path = Write(folder, "w.safetensors", {{"a", Dtype::kF64, {2, 2}, wide, 32}, {"b", Dtype::kF32, {3}, kB, 12}});
  const auto weights = WeightsFile::Open(path, kTensors);
  ASSERT_TRUE(weights.ok()) << weights.status();
  float a[4];
  ASSERT_TRUE(weights->Read(0, a).ok());
  EXPECT_THAT(a, ::testing::ElementsAre(1.0f, 0.1f, -2.5f, 1e-3f));
}

TEST(WeightsFileTest, NamesTheFirstElementThatIsNoNumber) {
  const testing::TempFolder folder;
  const float broken[] = {1, 2, NAN, INFINITY};
  const auto path = Write(folder, "w.safetensors", {{"a", Dtype::kF32, {2, 2}, broken, 16}, {"b", Dtype::kF32, {3}, kB, 12}});
  const auto weights = WeightsFile::Open(path, kTensors);
  ASSERT_TRUE(weights.ok()) << weights.status();
  float a[4], b[3];
  const Status status = weights->Read(0, a);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), path + ": a: nan at element 2 of [2, 2]");
  EXPECT_TRUE(weights->Read(1, b).ok());
}

TEST(WeightsFileTest, TensorsThatAreOneInTheModelAreReadOneBehindAnother) {
  const testing::TempFolder folder;
  const auto path = Write(folder, "w.safetensors", {{"q", Dtype::kF32, {1, 2}, kA, 8}, {"k", Dtype::kF32, {1, 2}, kB, 8}});
  const auto weights =
      WeightsFile::Open(path, {{.name = "a", .shape = {2, 2}}}, {.schemes = {{.owner = "another's", .names = [](const std::string&) {
                                                                                return std::vector<std::string>{"q", "k"};
                                                                              }}}});
  ASSERT_TRUE(weights.ok()) << weights.status();
  float a[4];
  ASSERT_TRUE(weights->Read(0, a).ok());
  EXPECT_THAT(a, ::testing::ElementsAre(1.0f, 2.0f, 5.0f, 6.0f));
}

TEST(WeightsFileTest, NamesEveryTensorThatDoesNotFit) {
  const testing::TempFolder folder;
  const auto path = Write(folder, "w.safetensors", {{"a", Dtype::kF32, {4}, kA, 16}, {"c", Dtype::kF32, {3}, kB, 12}});
  const auto status = WeightsFile::Open(path, kTensors).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("a: shape [4], the model's is [2, 2]"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("b: missing"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("c: the model has no such tensor"));
}

// A transformer of one patch of one pixel, and a grid of 1x1.
const std::vector<models::TensorSpec> kTransformer = {{.name = "pos_embed", .shape = {1, 3, 1}, .init = models::Init::kNormal, .scale = 1},
                                                      {.name = "dist_token", .shape = {1, 1, 1}, .init = models::Init::kOnes},
                                                      {.name = "head.weight", .shape = {2, 1}, .init = models::Init::kNormal, .scale = 1}};

TEST(WeightsFileTest, TheHintNamesTheAdaptationsThatWouldDo) {
  const testing::TempFolder folder;
  const auto path =
      Write(folder, "w.safetensors", {{"pos_embed", Dtype::kF32, {1, 2, 1}, kA, 8}, {"head.weight", Dtype::kF32, {3, 1}, kB, 12}});
  const auto refused = WeightsFile::Open(path, kTransformer);
  EXPECT_EQ(HintOf(refused.status()), "adapt=HEAD,DISTILLATION among the model's fields makes them fit");
  EXPECT_EQ(HintOf(WeightsFile::Open(path, kTransformer, {.is_teachers = true}).status()),
            "a teacher's tensors are never initialised: want weights of these sizes and of the job's classes");
  const auto weights = WeightsFile::Open(path, kTransformer, {.head = true, .distillation = true}, 5);
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_THAT(weights->notes(),
              ::testing::ElementsAre(path + ": the distillation token's row of pos_embed, dist_token, head.weight: newly initialised"));
  float position[3], token[1], head[2], fresh[3];
  ASSERT_TRUE(weights->Read(0, position).ok() && weights->Read(1, token).ok() && weights->Read(2, head).ok());
  ASSERT_TRUE(models::InitialiseTensor(kTransformer[0], 0, 5, fresh).ok());
  EXPECT_THAT(position, ::testing::ElementsAre(1.0f, fresh[1], 2.0f));
  EXPECT_EQ(token[0], 1.0f);
  ASSERT_TRUE(models::InitialiseTensor(kTransformer[2], 2, 5, fresh).ok());
  EXPECT_THAT(head, ::testing::ElementsAre(fresh[0], fresh[1]));
}

TEST(WeightsFileTest, AVarianceOffsetIsAddedToVariancesOnly) {
  const testing::TempFolder folder;
  const std::vector<models::TensorSpec> tensors = {{.name = "a", .shape = {2, 2}},
                                                   {.name = "b", .shape = {3}, .role = models::TensorRole::kRunningVar}};
  const auto path = Write(folder, "w.safetensors", {{"A", Dtype::kF32, {2, 2}, kA, 16}, {"B", Dtype::kF32, {3}, kB, 12}});
  const auto weights =
      WeightsFile::Open(path, tensors,
                        {.schemes = {{.owner = "another's",
                                      .names = [](const std::string& name) { return std::vector<std::string>{name == "a" ? "A" : "B"}; },
                                      .variance_offset = 0.25}}});
  ASSERT_TRUE(weights.ok()) << weights.status();
  float a[4], b[3];
  ASSERT_TRUE(weights->Read(0, a).ok() && weights->Read(1, b).ok());
  EXPECT_THAT(a, ::testing::ElementsAreArray(kA));
  EXPECT_THAT(b, ::testing::ElementsAre(5.25f, 6.25f, 7.25f));
}

}  // namespace
}  // namespace deit::weights
