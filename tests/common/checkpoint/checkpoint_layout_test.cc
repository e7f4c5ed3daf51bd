#include "common/checkpoint/checkpoint_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace deit::checkpoint {
namespace {

using ::testing::ElementsAre;

TEST(CheckpointLayoutTest, NamesAreAsPromisedAndReadBack) {
  EXPECT_EQ(CheckpointName(120), "step_00000120");
  EXPECT_EQ(CheckpointName(1234567890), "step_1234567890");
  EXPECT_EQ(ParseCheckpointName("step_00000120"), 120);
  EXPECT_EQ(ParseCheckpointName("step_1234567890"), 1234567890);
  for (const char* name : {"step_120", "step_", "step_0000012x", "step_-0000001", "step_000000120", "bad_step_00000120", "step_ 0000120"}) {
    EXPECT_EQ(ParseCheckpointName(name), std::nullopt) << name;
  }
  EXPECT_EQ(TensorFileName(TensorKind::kExpAvgSq, 3), "exp_avg_sq_03.safetensors");
  for (TensorKind kind : kAllKinds) EXPECT_EQ(ParseTensorFileName(TensorFileName(kind, 100)), kind);
  EXPECT_EQ(ParseTensorFileName("other_00.safetensors"), std::nullopt);
  EXPECT_EQ(ParseTensorFileName("model_00.json"), std::nullopt);
  EXPECT_EQ(SidecarName(0, "ab12"), "part_00.ab12.json");
}

TEST(CheckpointLayoutTest, FragmentsCarryTheirOffset) {
  EXPECT_EQ(FragmentName("a.weight", 65536), "a.weight@65536");
  EXPECT_EQ(ParseFragmentName("a@b@7"), std::make_pair(std::string("a@b"), uint64_t{7}));
  for (const char* name : {"a", "a@", "a@x", "a@-1", "a@01", "a@+1", "a@99999999999999999999"})
    EXPECT_EQ(ParseFragmentName(name), std::nullopt) << name;
}

TEST(CheckpointLayoutTest, TensorsAreSpreadEvenlyAndTheSameWayEachTime) {
  EXPECT_THAT(AssignTensors({5, 5, 5}, 1), ElementsAre(0, 0, 0));
  EXPECT_THAT(AssignTensors({1, 9, 5, 4}, 2), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(AssignTensors({7}, 3), ElementsAre(0));
  EXPECT_TRUE(AssignTensors({}, 3).empty());
  std::vector<uint64_t> bytes;
  for (uint64_t i = 0; i < 200; ++i) bytes.push_back((i * i * 37) % 5000 * 4);
  const uint64_t total = std::accumulate(bytes.begin(), bytes.end(), uint64_t{0});
  for (int writers : {1, 2, 3, 5, 8}) {
    std::vector<uint64_t> load(static_cast<size_t>(writers), 0);
    const std::vector<int> writer_of = AssignTensors(bytes, writers);
    for (size_t i = 0; i < bytes.size(); ++i) load[static_cast<size_t>(writer_of[i])] += bytes[i];
    EXPECT_LE(*std::max_element(load.begin(), load.end()),
              total / static_cast<uint64_t>(writers) + *std::max_element(bytes.begin(), bytes.end()));
  }
}

}  // namespace
}  // namespace deit::checkpoint
