#include <array>
#include <utility>

#include <gtest/gtest.h>

#include "common/dataset/index.h"

namespace deit::dataset {
namespace {

v1::JobSpec SpecOf(int images, int classes) {
  v1::JobSpec spec;
  spec.mutable_data()->set_synthetic_images(images);
  spec.mutable_model()->set_num_classes(classes);
  spec.mutable_model()->set_img_size(8);
  return spec;
}

TEST(SyntheticIndexTest, HasATenthMoreToValidate) {
  for (const auto& [images, validation] : {std::pair{1, 1}, {10, 1}, {11, 2}, {1000, 100}}) {
    EXPECT_EQ((*OpenIndex(SpecOf(images, 3), Split::kTrain))->size(), images);
    EXPECT_EQ((*OpenIndex(SpecOf(images, 3), Split::kValidation))->size(), validation);
  }
}

TEST(SyntheticIndexTest, UsesEachClassEquallyOften) {
  const auto index = *OpenIndex(SpecOf(30, 3), Split::kTrain);
  std::array<int, 3> counts{};
  for (int64_t i = 0; i < index->size(); ++i) ++counts.at(static_cast<size_t>(index->label(i)));
  EXPECT_EQ(counts, (std::array{10, 10, 10}));
  EXPECT_EQ(index->bytes(0), 8 * 8 * 3);
  EXPECT_EQ(index->path(29), "train/29");
}

TEST(SyntheticIndexTest, KeepsTheFirstImages) {
  v1::JobSpec spec = SpecOf(30, 3);
  spec.mutable_data()->set_max_images(7);
  EXPECT_EQ((*OpenIndex(spec, Split::kTrain))->size(), 7);
}

}  // namespace
}  // namespace deit::dataset
