// Parser of job files into a tree of names, values and locations, without knowledge of the schema. Textproto and JSON give the same tree.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/spec/problems.h"

namespace deit::spec {

struct Entry;

struct Node {
  enum class Kind { kWord, kNumber, kString, kGroup, kList };

  Kind kind = Kind::kGroup;
  Place place;
  std::string text;            // kWord, kNumber (with its sign) and kString (without quotes)
  std::vector<Entry> entries;  // kGroup, in the file's order
  std::vector<Node> items;     // kList
};

struct Entry {
  std::string name;
  Place place;  // of the name
  Node value;
};

// Each returns the outermost group and adds the first syntax error, where there is one, to `problems`; what stood before it is in
// the tree. Groups are at most 32 deep.
Node ParseTextproto(absl::string_view text, Problems* problems);
Node ParseJson(absl::string_view text, Problems* problems);

// A value of the command line: a number where it reads as one, else a word.
Node ParseWord(absl::string_view text);

}  // namespace deit::spec
