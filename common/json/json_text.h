// UTF-8 validation and string quoting for JSON text.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace deit::json {

// Length of the well-formed UTF-8 character at the start of `text`, 0 if there is none: no overlong forms, no surrogates, at most
// U+10FFFF (Unicode 15, table 3-7).
size_t Utf8Length(absl::string_view text);

// True if all of `text` is.
bool IsUtf8(absl::string_view text);

// `text` in double quotes with JSON's escapes; bytes that are not UTF-8 become U+FFFD, so that any reader accepts the file.
std::string JsonQuote(absl::string_view text);

}  // namespace deit::json
