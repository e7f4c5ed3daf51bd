#include "common/text/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deit::text {
namespace {

using ::testing::ElementsAre;

Table Sample() {
  Table table({{"JOB"}, {"REASON", false, 8}, {"STEP", true}, {"ETA", true}});
  table.AddRow({{"7f3a0001"}, {"worker 2 on n1: exit 71"}, {"15012"}, {"3h12m"}});
  table.AddRow({{"81bc0002"}, {""}, {"7"}, {""}});
  return table;
}

TEST(TableTest, ColumnsAreAsWideAsTheirCells) {
  EXPECT_THAT(Sample().Lines({}),
              ElementsAre("JOB       REASON                   STEP   ETA",  //
                          "7f3a0001  worker 2 on n1: exit 71  15012  3h12m", "81bc0002  -                        7      -"));
}

TEST(TableTest, WhatFitsIsUntouched) { EXPECT_EQ(Sample().Lines({.width = 47}), Sample().Lines({})); }

TEST(TableTest, FirstCellsAreCutThenColumnsGoFromTheRight) {
  EXPECT_THAT(Sample().Lines({.width = 46}),
              ElementsAre("JOB       REASON                  STEP   ETA",  //
                          "7f3a0001  worker 2 on n1: exi...  15012  3h12m", "81bc0002  -                       7      -"));
  EXPECT_THAT(Sample().Lines({.width = 32}), ElementsAre("JOB       REASON    STEP   ETA",  //
                                                         "7f3a0001  worke...  15012  3h12m", "81bc0002  -         7      -"));
  EXPECT_THAT(Sample().Lines({.width = 31}), ElementsAre("JOB       REASON          STEP",  //
                                                         "7f3a0001  worker 2 on...  15012", "81bc0002  -               7"))
      << "the room of a column that went is used";
}

TEST(TableTest, ColumnsThatAreNotOptionalStayWhole) {
  for (const size_t width : {size_t{18}, size_t{10}, size_t{0}}) {
    EXPECT_THAT(Sample().Lines({.width = width}), ElementsAre("JOB       REASON", "7f3a0001  worke...", "81bc0002  -")) << width;
  }
}

TEST(TableTest, NoLineIsWiderThanItsRoom) {
  for (size_t width = 18; width < 60; ++width) {
    for (const std::string& line : Sample().Lines({.width = width})) EXPECT_LE(line.size(), width) << line;
  }
}

TEST(TableTest, ColourIsAroundTheTextOnly) {
  Table table({{"STATE"}, {"LOSS"}});
  table.AddRow({{"FAILED", Tone::kBad}, {"nan", Tone::kBad}});
  table.AddRow({{"RUNNING", Tone::kGood}, {"", Tone::kDim}});
  EXPECT_THAT(table.Lines({.color = true}),
              ElementsAre("STATE    LOSS", "\033[31mFAILED\033[0m   \033[31mnan\033[0m", "\033[32mRUNNING\033[0m  -"));
  EXPECT_THAT(table.Lines({}), ElementsAre("STATE    LOSS", "FAILED   nan", "RUNNING  -"));
}

TEST(TableTest, CellsCannotBreakTheirLine) {
  Table table({{"NAME"}, {"STEP"}});
  table.AddRow({{"a\nb\033[2J\xC3\xA4"}, {"1"}});
  EXPECT_THAT(table.Lines({.color = true}), ElementsAre("NAME      STEP", "a?b?[2J\xC3\xA4  1"));
}

TEST(TableTest, WithoutRowsItIsItsTitles) { EXPECT_THAT(Table({{"JOB"}, {"NAME"}}).Lines({}), ElementsAre("JOB  NAME")); }

}  // namespace
}  // namespace deit::text
