#include "worker/weights/fit_positions.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/support/keyed_values.h"

namespace deit::weights {
namespace {

std::vector<float> KeyedRows(int64_t rows) {
  std::vector<float> values;
  for (int64_t i = 0; i < rows; ++i) values.push_back(static_cast<float>(KeyedValue(KeyOf("pos_embed"), static_cast<uint64_t>(i))));
  return values;
}

// tests/parity/resize_positions.py printed the numbers.
TEST(FitPositionsTest, ResizesAsTimm) {
  const std::vector<float> larger = {-0.5438628, -0.0857669, 0.4025937,   1.133533,   1.109731,  1.010016,   0.08865015,
                                     0.1973263,  0.3500765,  0.2874337,   0.2282812,  0.2945914, -0.1334701, -0.7947596,
                                     -0.8931391, -0.882595,  -0.03290458, -0.2598825, -0.595789, -0.5626389, -0.5020572,
                                     -0.2741285, -0.305899,  -0.3321846,  -0.2075456, -0.1217196};
  const std::vector<float> smaller = {-0.5438628, -0.02521028, 0.3827047, -0.1970053, -0.1588577,
                                      -0.2876886, 0.1931012,   0.6149831, -0.162219,  0.257048};
  std::vector<float> out(26, -1);
  FitPositions(KeyedRows(10).data(), {1, 3}, {1, 5}, 1, out.data());
  for (size_t i = 0; i < larger.size(); ++i) EXPECT_NEAR(out[i], larger[i], 1e-6) << i;
  FitPositions(KeyedRows(26).data(), {1, 5}, {1, 3}, 1, out.data());
  for (size_t i = 0; i < smaller.size(); ++i) EXPECT_NEAR(out[i], smaller[i], 1e-6) << i;
}

TEST(FitPositionsTest, ResizesEachColumnByItself) {
  std::vector<float> pairs;
  for (const float value : KeyedRows(10)) pairs.insert(pairs.end(), {value, 2 * value});
  std::vector<float> out(52), single(26);
  FitPositions(pairs.data(), {1, 3}, {1, 5}, 2, out.data());
  FitPositions(KeyedRows(10).data(), {1, 3}, {1, 5}, 1, single.data());
  for (size_t i = 0; i < single.size(); ++i) {
    EXPECT_NEAR(out[2 * i], single[i], 1e-6) << i;
    EXPECT_NEAR(out[2 * i + 1], 2 * single[i], 2e-6) << i;
  }
}

TEST(FitPositionsTest, RowsOfTokensStayAndNewOnesAreLeftAlone) {
  const std::vector<float> rows = {1, 2, 3, 4, 5, 6};  // two tokens, a grid of 2x2
  std::vector<float> out(5, -1);
  FitPositions(rows.data(), {2, 2}, {1, 2}, 1, out.data());
  EXPECT_EQ(out, (std::vector<float>{1, 3, 4, 5, 6}));
  out.assign(7, -1);
  FitPositions(rows.data(), {1, 2}, {2, 2}, 1, out.data());
  EXPECT_EQ(out, (std::vector<float>{1, -1, 2, 3, 4, 5, -1}));
}

}  // namespace
}  // namespace deit::weights
