#include "common/json/json_scanner.h"

#include "absl/strings/match.h"
#include "common/json/json_text.h"

namespace deit::json {
namespace {

void AppendUtf8(uint32_t code, std::string* out) {
  auto add = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      add(0xE0 | code >> 12);
    } else {
      add(0xF0 | code >> 18);
      add(0x80 | (code >> 12 & 0x3F));
    }
    add(0x80 | (code >> 6 & 0x3F));
  }
  add(0x80 | (code & 0x3F));
}

}  // namespace

Status JsonScanner::Error(absl::string_view what) const { return absl::DataLossError(absl::StrCat("byte ", position_, ": ", what)); }

void JsonScanner::SkipSpace() {
  while (position_ < text_.size() && absl::string_view(" \t\r\n").find(text_[position_]) != absl::string_view::npos) ++position_;
}

bool JsonScanner::TryConsume(char token) {
  SkipSpace();
  if (position_ >= text_.size() || text_[position_] != token) return false;
  ++position_;
  return true;
}

Status JsonScanner::Expect(char token) {
  return TryConsume(token) ? absl::OkStatus() : Error(absl::StrCat("expected '", absl::string_view(&token, 1), "'"));
}

Status JsonScanner::ExpectEnd() {
  SkipSpace();
  return position_ == text_.size() ? absl::OkStatus() : Error("expected the end");
}

StatusOr<uint32_t> JsonScanner::ReadHex4() {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i, ++position_) {
    const char c = position_ < text_.size() ? text_[position_] : '\0';
    uint32_t digit = 0;
    if (c >= '0' && c <= '9') digit = static_cast<uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f') digit = static_cast<uint32_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F') digit = static_cast<uint32_t>(c - 'A' + 10);
    else return Error("expected four hex digits");
    value = value << 4 | digit;
  }
  return value;
}

Status JsonScanner::ReadEscape(std::string* out) {
  static constexpr absl::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  const char letter = position_ < text_.size() ? text_[position_++] : '\0';
  if (const size_t i = kLetters.find(letter); i != absl::string_view::npos) {
    out->push_back(kMeanings[i]);
    return absl::OkStatus();
  }
  if (letter != 'u') return Error("bad escape in a string");
  DEIT_ASSIGN_OR_RETURN(uint32_t code, ReadHex4());
  if (code >= 0xDC00 && code <= 0xDFFF) return Error("a low surrogate without its high one");
  if (code >= 0xD800 && code <= 0xDBFF) {
    if (text_.substr(position_, 2) != "\\u") return Error("a high surrogate without its low one");
    position_ += 2;
    DEIT_ASSIGN_OR_RETURN(uint32_t low, ReadHex4());
    if (low < 0xDC00 || low > 0xDFFF) return Error("a high surrogate without its low one");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  AppendUtf8(code, out);
  return absl::OkStatus();
}

StatusOr<std::string> JsonScanner::ReadString() {
  DEIT_RETURN_IF_ERROR(Expect('"'));
  std::string out;
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c == '"') {
      ++position_;
      return out;
    }
    if (static_cast<unsigned char>(c) < 0x20) return Error("a control character in a string");
    if (c == '\\') {
      ++position_;
      DEIT_RETURN_IF_ERROR(ReadEscape(&out));
      continue;
    }
    const size_t length = Utf8Length(text_.substr(position_));
    if (length == 0) return Error("not UTF-8");
    out.append(text_.data() + position_, length);
    position_ += length;
  }
  return Error("a string without end");
}

StatusOr<uint64_t> JsonScanner::ReadUint64() {
  SkipSpace();
  const size_t begin = position_;
  uint64_t value = 0;
  while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') {
    const uint64_t digit = static_cast<uint64_t>(text_[position_] - '0');
    if (__builtin_mul_overflow(value, uint64_t{10}, &value) || __builtin_add_overflow(value, digit, &value)) {
      return Error("a number beyond 64 bits");
    }
    ++position_;
  }
  if (position_ == begin) return Error("expected a whole number, zero or more");
  if (position_ - begin > 1 && text_[begin] == '0') return Error("a number with a leading zero");
  if (position_ < text_.size() && absl::string_view(".eE").find(text_[position_]) != absl::string_view::npos) {
    return Error("expected a whole number");
  }
  return value;
}

// At least one.
bool JsonScanner::SkipDigits() {
  const size_t begin = position_;
  while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') ++position_;
  return position_ > begin;
}

StatusOr<absl::string_view> JsonScanner::ReadNumber() {
  const auto next_is = [this](absl::string_view any) { return position_ < text_.size() && any.find(text_[position_]) != any.npos; };
  SkipSpace();
  const size_t begin = position_;
  if (next_is("-")) ++position_;
  const size_t whole = position_;
  if (!SkipDigits()) return Error("expected a number");
  if (position_ - whole > 1 && text_[whole] == '0') return Error("a number with a leading zero");
  if (next_is(".")) {
    ++position_;
    if (!SkipDigits()) return Error("expected digits behind the point");
  }
  if (next_is("eE")) {
    ++position_;
    if (next_is("+-")) ++position_;
    if (!SkipDigits()) return Error("expected an exponent");
  }
  return text_.substr(begin, position_ - begin);
}

bool JsonScanner::TryConsumeWord(absl::string_view word) {
  SkipSpace();
  if (!absl::StartsWith(text_.substr(position_), word)) return false;
  position_ += word.size();
  return true;
}

char JsonScanner::Peek() {
  SkipSpace();
  return position_ < text_.size() ? text_[position_] : '\0';
}

Status JsonScanner::SkipValue() { return SkipNested(0); }

Status JsonScanner::SkipNested(int depth) {
  const char first = Peek();
  if (first == '"') return ReadString().status();
  if (first != '{' && first != '[') {
    for (const char* const word : {"true", "false", "null", "NaN", "Infinity", "-Infinity"}) {
      if (TryConsumeWord(word)) return absl::OkStatus();
    }
    return ReadNumber().status();
  }
  if (depth == kMaxDepth) return Error("nested too deeply");
  const char end = first == '{' ? '}' : ']';
  DEIT_RETURN_IF_ERROR(Expect(first));
  if (TryConsume(end)) return absl::OkStatus();
  do {
    if (first == '{') {
      DEIT_RETURN_IF_ERROR(ReadString().status());
      DEIT_RETURN_IF_ERROR(Expect(':'));
    }
    DEIT_RETURN_IF_ERROR(SkipNested(depth + 1));
  } while (TryConsume(','));
  return Expect(end);
}

}  // namespace deit::json
