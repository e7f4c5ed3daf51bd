#include "common/text/live_block.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/json/json_text.h"

namespace deit::text {
namespace {

// ECMA-48.
constexpr char kEscape = '\033';
constexpr char kPlain[] = "\033[0m";
constexpr char kEraseRestOfLine[] = "\033[K";
constexpr char kEraseBelow[] = "\033[J";
constexpr char kEraseAll[] = "\033[H\033[2J";

// The first `width` characters; colour takes no room and ends with the line.
std::string CutColored(const std::string& line, size_t width) {
  size_t shown = 0;
  bool colored = false;
  size_t i = 0;
  while (i < line.size()) {
    if (line[i] == kEscape) {
      i = std::min(line.find('m', i), line.size() - 1) + 1;
      colored = true;
      continue;
    }
    if (shown++ == width) return absl::StrCat(line.substr(0, i), colored ? kPlain : "");
    i += std::max<size_t>(1, json::Utf8Length(absl::string_view(line).substr(i)));
  }
  return line;
}

}  // namespace

std::string LiveBlock::Draw(std::vector<std::string> lines, size_t width, size_t height) {
  const size_t room = std::max<size_t>(1, height - 1);
  if (lines.size() > room) {
    const size_t hidden = lines.size() - (room - 1);
    lines.resize(room - 1);
    lines.push_back(absl::StrCat("... ", hidden, " more"));
  }
  std::string out;
  if (drawn_ > 0 && (width != width_ || height != height_)) out = kEraseAll;
  else if (drawn_ > 0) out = absl::StrCat("\r\033[", drawn_, "A");
  for (const std::string& line : lines) absl::StrAppend(&out, CutColored(line, width), kEraseRestOfLine, "\n");
  drawn_ = lines.size();
  width_ = width;
  height_ = height;
  return absl::StrCat(out, kEraseBelow);
}

}  // namespace deit::text
