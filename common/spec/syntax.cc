#include "common/spec/syntax.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace deit::spec {
namespace {

using google::protobuf::io::ArrayInputStream;
using google::protobuf::io::Tokenizer;

constexpr int kDeepest = 32;

// Both grammars over protobuf's tokenizer. Functions return false after a syntax error, which has been told.
class Parser {
 public:
  Parser(absl::string_view text, bool json, Problems* problems)
      : json_(json), errors_(problems), stream_(text.data(), static_cast<int>(text.size())), tokens_(&stream_, &errors_) {
    tokens_.set_comment_style(json ? Tokenizer::CPP_COMMENT_STYLE : Tokenizer::SH_COMMENT_STYLE);
    tokens_.set_allow_f_after_float(!json);
    tokens_.Next();
  }

  void ParseFile(Node* root) {
    root->place = Here();
    if (!json_) {
      Fields(Tokenizer::TYPE_END, "", 0, root);
    } else if (Expect("{") && Fields(Tokenizer::TYPE_SYMBOL, "}", 0, root) && Expect("}") && !Is(Tokenizer::TYPE_END)) {
      Fail("want the end of the file");
    }
  }

 private:
  // Tells the first error only, be it the tokenizer's or the grammar's: what follows it is noise.
  class Errors : public google::protobuf::io::ErrorCollector {
   public:
    explicit Errors(Problems* problems) : problems_(problems) {}
    void AddError(int line, int column, const std::string& message) override {
      if (!failed) problems_->AddAt({.line = line + 1, .column = column + 1}, "", absl::StrCat("syntax: ", message));
      failed = true;
    }
    bool failed = false;

   private:
    Problems* problems_;
  };

  const Tokenizer::Token& Token() { return tokens_.current(); }
  Place Here() { return {.line = Token().line + 1, .column = Token().column + 1}; }
  bool Is(Tokenizer::TokenType type) { return Token().type == type; }
  bool Is(absl::string_view symbol) { return Is(Tokenizer::TYPE_SYMBOL) && Token().text == symbol; }

  bool Fail(absl::string_view wanted) {
    const std::string got = Is(Tokenizer::TYPE_END) ? "the end of the file" : absl::StrCat("\"", Token().text, "\"");
    errors_.AddError(Token().line, Token().column, absl::StrCat(wanted, ", not ", got));
    return false;
  }
  bool Take(absl::string_view symbol) {
    if (!Is(symbol)) return false;
    tokens_.Next();
    return !errors_.failed;
  }
  bool Expect(absl::string_view symbol) { return Take(symbol) || Fail(absl::StrCat("want \"", symbol, "\"")); }

  // The fields of a group up to (not including) its end: the end of the file, or `closing`.
  bool Fields(Tokenizer::TokenType end, absl::string_view closing, int depth, Node* group) {
    if (depth > kDeepest) return Fail("groups are too deep");
    bool more = !json_;  // JSON: a comma says that a field follows
    while (!errors_.failed && !(Is(end) && Token().text == closing)) {
      if (json_ && !more && !group->entries.empty()) return Fail("want \",\" or \"}\"");
      if (!Field(closing, depth, group)) return false;
      more = Take(",") || (!json_ && Take(";"));
    }
    if (json_ && more && !group->entries.empty()) return Fail("want a field after \",\"");
    return !errors_.failed;
  }

  bool Field(absl::string_view closing, int depth, Node* group) {
    if (!Is(json_ ? Tokenizer::TYPE_STRING : Tokenizer::TYPE_IDENTIFIER)) {
      const std::string name = json_ ? "want a field name in quotes" : "want a field name";
      return Fail(closing.empty() ? name : absl::StrCat(name, " or \"", closing, "\""));
    }
    Entry entry;
    entry.place = Here();
    if (json_) Tokenizer::ParseString(Token().text, &entry.name);
    else entry.name = Token().text;
    tokens_.Next();
    const bool colon = Take(":");
    if (!colon && (json_ || !(Is("{") || Is("<")))) return Fail(json_ ? "want \":\"" : "want \":\" or \"{\"");
    const bool ok = Value(depth, &entry.value);
    group->entries.push_back(std::move(entry));
    return ok;
  }

  bool Value(int depth, Node* node) {
    node->place = Here();
    if (Is("{") || (!json_ && Is("<"))) {
      const absl::string_view closing = Is("{") ? "}" : ">";
      tokens_.Next();
      node->kind = Node::Kind::kGroup;
      return Fields(Tokenizer::TYPE_SYMBOL, closing, depth + 1, node) && Expect(closing);
    }
    if (Take("[")) return List(depth, node);
    return Scalar(node);
  }

  bool List(int depth, Node* node) {
    node->kind = Node::Kind::kList;
    if (depth > kDeepest) return Fail("lists are too deep");
    if (Take("]")) return true;
    do {
      node->items.emplace_back();
      if (!Value(depth + 1, &node->items.back())) return false;
    } while (Take(","));
    return Expect("]");
  }

  bool Scalar(Node* node) {
    const bool negative = Take("-");
    switch (Token().type) {
      case Tokenizer::TYPE_STRING:
        if (negative) return Fail("want a number");
        node->kind = Node::Kind::kString;
        do {  // neighbouring strings are one, as in C
          Tokenizer::ParseStringAppend(Token().text, &node->text);
          tokens_.Next();
        } while (!json_ && Is(Tokenizer::TYPE_STRING));
        return !errors_.failed;
      case Tokenizer::TYPE_INTEGER:
      case Tokenizer::TYPE_FLOAT: node->kind = Node::Kind::kNumber; break;
      case Tokenizer::TYPE_IDENTIFIER: node->kind = Node::Kind::kWord; break;
      default: return Fail("want a value");
    }
    node->text = absl::StrCat(negative ? "-" : "", Token().text);
    tokens_.Next();
    return !errors_.failed;
  }

  const bool json_;
  Errors errors_;
  ArrayInputStream stream_;
  Tokenizer tokens_;
};

// The one escape of JSON strings that protobuf's tokenizer does not know: "\/" is "/".
std::string WithoutEscapedSlashes(absl::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      if (text[i + 1] != '/') result += text[i];
      ++i;
    }
    result += text[i];
  }
  return result;
}

}  // namespace

Node ParseTextproto(absl::string_view text, Problems* problems) {
  Node root;
  Parser(text, /*json=*/false, problems).ParseFile(&root);
  return root;
}

Node ParseJson(absl::string_view text, Problems* problems) {
  Node root;
  Parser(WithoutEscapedSlashes(text), /*json=*/true, problems).ParseFile(&root);
  return root;
}

Node ParseWord(absl::string_view text) {
  Node node;
  node.place = {.command_line = true};
  node.text = std::string(text);
  const size_t sign = absl::StartsWith(text, "-") || absl::StartsWith(text, "+") ? 1 : 0;
  const bool number = text.size() > sign && (absl::ascii_isdigit(static_cast<unsigned char>(text[sign])) || text[sign] == '.');
  node.kind = number ? Node::Kind::kNumber : Node::Kind::kWord;
  return node;
}

}  // namespace deit::spec
