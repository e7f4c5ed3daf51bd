#include "common/text/printable.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/json/json_text.h"

namespace deit::text {
namespace {

// C0, DEL, and C1 (which UTF-8 writes as 0xC2 0x80..0x9F).
bool IsControl(absl::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

// Bytes of the first character; a byte that is not UTF-8 counts as one.
size_t NextLength(absl::string_view text) { return std::max<size_t>(1, json::Utf8Length(text)); }

}  // namespace

std::string Printable(absl::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const size_t length = json::Utf8Length(text);
    if (length == 0 || IsControl(text.substr(0, length))) printable.push_back('?');
    else absl::StrAppend(&printable, text.substr(0, length));
    text.remove_prefix(std::max<size_t>(1, length));
  }
  return printable;
}

size_t Width(absl::string_view text) {
  size_t width = 0;
  for (; !text.empty(); ++width) text.remove_prefix(NextLength(text));
  return width;
}

std::string CutTo(absl::string_view text, size_t width) {
  if (Width(text) <= width) return std::string(text);
  constexpr absl::string_view kMore = "...";
  size_t kept = 0;
  for (size_t characters = kMore.size(); characters < width; ++characters) kept += NextLength(text.substr(kept));
  return absl::StrCat(text.substr(0, kept), kMore);
}

}  // namespace deit::text
