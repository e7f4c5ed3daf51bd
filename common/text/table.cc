#include "common/text/table.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/text/printable.h"

namespace deit::text {
namespace {

constexpr size_t kGap = 2;

// A column that is shown, and how wide.
struct Shown {
  size_t column;
  size_t width;
};

// ECMA-48, "select graphic rendition".
const char* Code(Tone tone) {
  switch (tone) {
    case Tone::kPlain: return "";
    case Tone::kGood: return "\033[32m";
    case Tone::kWarning: return "\033[33m";
    case Tone::kBad: return "\033[31m";
    case Tone::kDim: return "\033[2m";
  }
  return "";
}

constexpr char kPlainAgain[] = "\033[0m";

size_t Total(const std::vector<Shown>& shown) {
  size_t total = shown.empty() ? 0 : kGap * (shown.size() - 1);
  for (const Shown& column : shown) total += column.width;
  return total;
}

// Selects the columns that fit into `room` characters: first cells are cut, then columns go, then cells get back what is left.
std::vector<Shown> Fit(const std::vector<Column>& columns, const std::vector<size_t>& natural, size_t room) {
  std::vector<Shown> shown;
  for (size_t i = 0; i < columns.size(); ++i) shown.push_back({i, natural[i]});
  if (Total(shown) <= room) return shown;
  for (Shown& column : shown) {
    const size_t least = std::max(columns[column.column].least, columns[column.column].title.size());
    if (columns[column.column].least > 0) column.width = std::min(column.width, least);
  }
  const auto is_optional = [&](const Shown& column) { return columns[column.column].optional; };
  while (Total(shown) > room) {
    const auto last = std::find_if(shown.rbegin(), shown.rend(), is_optional);
    if (last == shown.rend()) return shown;
    shown.erase(std::next(last).base());
  }
  for (Shown& column : shown) column.width += std::min(natural[column.column] - column.width, room - Total(shown));
  return shown;
}

void AppendCell(const Cell& cell, size_t width, bool color, std::string* line) {
  const std::string text = cell.text.empty() ? "-" : CutTo(Printable(cell.text), width);
  const bool toned = color && cell.tone != Tone::kPlain && !cell.text.empty();
  absl::StrAppend(line, toned ? Code(cell.tone) : "", text, toned ? kPlainAgain : "", std::string(width - Width(text), ' '));
}

}  // namespace

void Table::AddRow(std::vector<Cell> cells) {
  DEIT_CHECK(cells.size() == columns_.size(), cells.size(), " cells for ", columns_.size(), " columns");
  rows_.push_back(std::move(cells));
}

std::vector<size_t> Table::NaturalWidths() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = columns_[i].title.size();
    for (const std::vector<Cell>& row : rows_) width = std::max(width, Width(Printable(row[i].text)));
    widths.push_back(width);
  }
  return widths;
}

std::vector<std::string> Table::Lines(const Look& look) const {
  const std::vector<Shown> shown = Fit(columns_, NaturalWidths(), look.width);
  std::vector<std::string> lines(rows_.size() + 1);
  for (size_t i = 0; i < shown.size(); ++i) {
    const auto& [column, width] = shown[i];
    AppendCell({columns_[column].title}, width, false, &lines[0]);
    for (size_t row = 0; row < rows_.size(); ++row) AppendCell(rows_[row][column], width, look.color, &lines[row + 1]);
    if (i + 1 == shown.size()) break;
    for (std::string& line : lines) line.append(kGap, ' ');
  }
  for (std::string& line : lines) line.erase(line.find_last_not_of(' ') + 1);
  return lines;
}

}  // namespace deit::text
