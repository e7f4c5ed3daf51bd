// Plain-text tables: columns two spaces apart, one line per row, so that awk and cut can read them.
#pragma once

#include <string>
#include <vector>

#include "absl/types/span.h"

namespace deit::text {

struct Column {
  std::string title;
  bool optional = false;  // goes where the room is too narrow, the rightmost first
  size_t least = 0;       // cells may be cut to so many characters before anything goes; 0: never cut
};

// Colour only repeats what the word says.
enum class Tone { kPlain, kGood, kWarning, kBad, kDim };

struct Cell {
  std::string text;  // any bytes; empty shows as "-"
  Tone tone = Tone::kPlain;
};

struct Look {
  size_t width = static_cast<size_t>(-1);  // of a line, in characters; the columns that never go may need more
  bool color = false;
};

// Not thread-safe.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell for each column.
  void AddRow(std::vector<Cell> cells);

  // The titles, then a line for each row; no newlines, no blanks at the end.
  std::vector<std::string> Lines(const Look& look) const;

 private:
  std::vector<size_t> NaturalWidths() const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace deit::text
