// Reads JSON text token by token, for formats whose grammar the caller knows: nothing is built, so nothing can grow or nest
// beyond what the caller asks for. Strict RFC 8259: UTF-8 only, no comments, no trailing commas.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace deit::json {

// Errors are DataLoss: "byte 17: expected ':'". Not thread-safe; the text must outlive the scanner.
class JsonScanner {
 public:
  explicit JsonScanner(absl::string_view text) : text_(text) {}

  Status Expect(char token);    // one of {}[]:, after any white space
  bool TryConsume(char token);  // the same; false and nothing consumed if another comes

  StatusOr<std::string> ReadString();  // decoded; control characters, bad escapes and bad UTF-8 are errors
  StatusOr<uint64_t> ReadUint64();     // plain digits: no sign, fraction, exponent, leading zero; in range

  StatusOr<absl::string_view> ReadNumber();     // any JSON number, as written
  bool TryConsumeWord(absl::string_view word);  // such as true, false or null
  // Of any kind, and the NaN, Infinity and -Infinity that Python's json writes; nested at most kMaxDepth deep.
  Status SkipValue();

  // What comes next, after any white space; 0 at the end.
  char Peek();

  static constexpr int kMaxDepth = 32;

  Status ExpectEnd();  // only white space is left
  size_t position() const { return position_; }

 private:
  void SkipSpace();
  Status Error(absl::string_view what) const;
  StatusOr<uint32_t> ReadHex4();
  bool SkipDigits();
  Status SkipNested(int depth);
  Status ReadEscape(std::string* out);

  const absl::string_view text_;
  size_t position_ = 0;
};

}  // namespace deit::json
